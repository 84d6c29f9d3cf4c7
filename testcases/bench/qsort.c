/* SPDX-License-Identifier: Apache-2.0
 * qsort.c: three million integers, sorted in two halves by two threads, then merged: compares and swaps. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { N = 3000000, THREADS = 2 };
static int a[N], merged[N];

static void sort(int *p, int n)
{
	while (n > 1) {
		int pivot = p[n / 2], i = 0, j = n - 1;

		while (i <= j) {
			while (p[i] < pivot)
				i++;
			while (p[j] > pivot)
				j--;
			if (i <= j) {
				int t = p[i];
				p[i++] = p[j];
				p[j--] = t;
			}
		}
		sort(p, j + 1);
		p += i;
		n -= i;
	}
}

static void *half(void *arg)
{
	sort(arg, N / 2);
	return NULL;
}

int main(void)
{
	pthread_t thread[THREADS];
	unsigned x = 1;

	for (int i = 0; i < N; i++)
		a[i] = (int)((x = x * 1103515245 + 12345) >> 4);
	for (int t = 0; t < THREADS; t++)
		pthread_create(&thread[t], NULL, half, a + t * (N / 2));
	for (int t = 0; t < THREADS; t++)
		pthread_join(thread[t], NULL);
	for (int i = 0, l = 0, r = N / 2; i < N; i++)
		merged[i] = r == N || (l < N / 2 && a[l] <= a[r]) ? a[l++] : a[r++];
	for (int i = 1; i < N; i++)
		if (merged[i - 1] > merged[i])
			return 1;
	printf("%d\n", merged[N / 2]);
	return 0;
}
