/* SPDX-License-Identifier: Apache-2.0
 *
 * hash.c: two threads count keys in one chained hash table under striped locks; a lock pair and a few accesses
 * per operation, with malloc now and then.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { BUCKETS = 1 << 16, STRIPES = 64, KEYS = 100000, THREADS = 2, OPS = 1000000 };

struct entry {
	struct entry *next;
	unsigned key, count;
};
static struct entry *table[BUCKETS];
static pthread_mutex_t stripe[STRIPES];

static void count_key(unsigned key)
{
	unsigned bucket = key % BUCKETS;
	pthread_mutex_t *mu = &stripe[bucket % STRIPES];

	pthread_mutex_lock(mu);
	struct entry *e = table[bucket];
	while (e && e->key != key)
		e = e->next;
	if (!e && (e = malloc(sizeof *e))) {
		*e = (struct entry){.next = table[bucket], .key = key};
		table[bucket] = e;
	}
	if (e)
		e->count++;
	pthread_mutex_unlock(mu);
}

static void *worker(void *arg)
{
	unsigned x = (unsigned)(intptr_t)arg * 77 + 1;

	for (int i = 0; i < OPS; i++) {
		x = x * 1103515245 + 12345;
		count_key((x >> 8) % KEYS);
	}
	return NULL;
}

int main(void)
{
	pthread_t thread[THREADS];
	unsigned long sum = 0;

	for (int i = 0; i < STRIPES; i++)
		pthread_mutex_init(&stripe[i], NULL);
	for (intptr_t t = 0; t < THREADS; t++)
		pthread_create(&thread[t], NULL, worker, (void *)t);
	for (int t = 0; t < THREADS; t++)
		pthread_join(thread[t], NULL);
	for (int i = 0; i < BUCKETS; i++)
		for (struct entry *e = table[i]; e; e = e->next)
			sum += e->count;
	printf("%lu\n", sum);
	return sum != (unsigned long)THREADS * OPS;
}
