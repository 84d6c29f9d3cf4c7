/* SPDX-License-Identifier: Apache-2.0
 * list.c: a list of 24,000 nodes in random order, made by main, walked by two threads: pointers to shared data. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { NODES = 24000, WALKS = 300, THREADS = 2 };
struct node {
	struct node *next;
	long value, pad[4];
};
static struct node *first;

static void *walk(void *arg)
{
	long *total = arg;

	for (int i = 0; i < WALKS; i++)
		for (const struct node *n = first; n; n = n->next)
			*total += n->value;
	return NULL;
}

int main(void)
{
	struct node *all = malloc(NODES * sizeof *all), **order = malloc(NODES * sizeof *order);
	static long total[THREADS][16]; /* a cache line apart */
	pthread_t thread[THREADS];
	unsigned x = 1;

	if (!all || !order)
		return 1;
	for (int i = 0; i < NODES; i++)
		order[i] = &all[i];
	for (int i = NODES - 1; i > 0; i--) {
		int j = (int)((x = x * 1103515245 + 12345) >> 8) % (i + 1);
		struct node *t = order[i];
		order[i] = order[j];
		order[j] = t;
	}
	for (int i = 0; i < NODES; i++) {
		order[i]->value = i;
		order[i]->next = first;
		first = order[i];
	}
	for (int t = 0; t < THREADS; t++)
		pthread_create(&thread[t], NULL, walk, total[t]);
	for (int t = 0; t < THREADS; t++)
		pthread_join(thread[t], NULL);
	printf("%ld\n", total[0][0]);
	free(order);
	free(all);
	return total[0][0] != total[1][0];
}
