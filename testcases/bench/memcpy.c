/* SPDX-License-Identifier: Apache-2.0
 *
 * memcpy.c: two threads copy blocks of 24 bytes to 64 KB; what a range of memory costs at once.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE = 1 << 16, COPIES = 8000, THREADS = 2 };

static void *worker(void *arg)
{
	char *from = malloc(SIZE), *to = malloc(SIZE);
	long *total = arg;

	if (!from || !to)
		exit(1);
	memset(from, 1, SIZE);
	memset(to, 0, SIZE);
	for (size_t i = 0; i < COPIES; i++) {
		size_t n = 24 + i * 7919 % (SIZE - 24);
		memcpy(to, from, n);
		*total += to[n - 1];
		from[n / 2] = (char)(i & 7);
	}
	free(from);
	free(to);
	return NULL;
}

int main(void)
{
	pthread_t thread[THREADS];
	static long total[THREADS][16]; /* a cache line apart */

	for (int t = 0; t < THREADS; t++)
		pthread_create(&thread[t], NULL, worker, total[t]);
	for (int t = 0; t < THREADS; t++)
		pthread_join(thread[t], NULL);
	printf("%ld\n", total[0][0] + total[1][0]);
	return total[0][0] != total[1][0];
}
