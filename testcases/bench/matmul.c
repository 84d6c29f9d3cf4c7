/* SPDX-License-Identifier: Apache-2.0
 *
 * matmul.c: two threads multiply matrices; plain reads in a tight loop, no synchronisation inside.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { N = 300, THREADS = 2, ROUNDS = 4 };
static double a[N][N], b[N][N], c[N][N];

static void *rows(void *arg)
{
	for (int i = (int)(intptr_t)arg; i < N; i += THREADS)
		for (int j = 0; j < N; j++) {
			double sum = 0;
			for (int k = 0; k < N; k++)
				sum += a[i][k] * b[k][j];
			c[i][j] += sum;
		}
	return NULL;
}

int main(void)
{
	for (int i = 0; i < N; i++)
		for (int j = 0; j < N; j++) {
			a[i][j] = i + j;
			b[i][j] = i - j;
		}
	for (int round = 0; round < ROUNDS; round++) {
		pthread_t thread[THREADS];
		for (intptr_t t = 0; t < THREADS; t++)
			pthread_create(&thread[t], NULL, rows, (void *)t);
		for (int t = 0; t < THREADS; t++)
			pthread_join(thread[t], NULL);
	}
	printf("%.0f\n", c[N / 2][N / 3]);
	return 0;
}
