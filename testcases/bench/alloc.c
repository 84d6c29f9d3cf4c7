/* SPDX-License-Identifier: Apache-2.0
 * alloc.c: two threads that allocate, fill and free blocks of 16 bytes to 2 KiB from a window of living ones. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIVING = 512, ROUNDS = 500000, THREADS = 2 };

static void *worker(void *arg)
{
	unsigned char *living[LIVING] = {NULL};
	long *total = arg;
	unsigned x = 7;

	for (int i = 0; i < ROUNDS; i++) {
		unsigned slot = (x = x * 1103515245 + 12345) >> 8 & (LIVING - 1);
		size_t size = (size_t)16 << (x >> 20 & 7);

		if (living[slot])
			*total += living[slot][15];
		free(living[slot]);
		living[slot] = malloc(size);
		if (!living[slot])
			exit(1);
		memset(living[slot], i, size);
	}
	for (int i = 0; i < LIVING; i++)
		free(living[i]);
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
