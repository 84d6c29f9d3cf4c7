// SPDX-License-Identifier: Apache-2.0
/* usage: server CONNECTIONS PAIRS ENTRIES [race]. Four threads at a time serve a connection each and end; a connection is
 * PAIRS turns of a lock, each with accesses to one of ENTRIES entries. The first thread learns nothing meanwhile: so all
 * that was ever done stays comparable. With "race" it reads at the end what the first connection wrote. */
#define GATE_THREADS
#include "../gate.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { AT_ONCE = 4, LOCKS = 16 };

struct connection {
	unsigned long pairs, seed;
};

static pthread_mutex_t lock[LOCKS];
static unsigned long entries;
static long *table;
static int early;
static volatile int served[AT_ONCE];

static void *serve(void *arg)
{
	struct connection *c = arg;
	unsigned long at = c->seed;

	if (c->seed == 1)
		early = 1;
	for (unsigned long i = 0; i < c->pairs; i++) {
		at = at * 6364136223846793005u + 1442695040888963407u;
		unsigned long entry = (at >> 20) % entries;

		pthread_mutex_lock(&lock[entry % LOCKS]);
		table[entry]++;
		pthread_mutex_unlock(&lock[entry % LOCKS]);
	}
	return NULL;
}

/* As gate_wait, which gives up where this still has to wait: the runner has the time limit. */
GATE_FN void wait_unseen(const volatile int *gate)
{
	while (!*gate)
		gate_pause(51);
	GATE_BARRIER();
}

/* Serves every fourth connection, one after the other. */
static unsigned long n_connections, n_pairs;

static void *listen_here(void *arg)
{
	unsigned long first = (unsigned long)(size_t)arg;

	for (unsigned long i = first; i < n_connections; i += AT_ONCE) {
		struct connection c = {n_pairs, i + 1};
		pthread_t t;

		if (pthread_create(&t, NULL, serve, &c) != 0)
			abort();
		pthread_join(t, NULL);
	}
	gate_open(&served[first]);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t t[AT_ONCE];
	unsigned long sum = 0;
	int seen = 1;

	if (argc < 4)
		return 2;
	n_connections = strtoul(argv[1], NULL, 10);
	n_pairs = strtoul(argv[2], NULL, 10);
	entries = strtoul(argv[3], NULL, 10);
	table = calloc(entries, sizeof(*table));
	for (int i = 0; i < LOCKS; i++)
		pthread_mutex_init(&lock[i], NULL);
	for (size_t i = 0; i < AT_ONCE; i++)
		pthread_create(&t[i], NULL, listen_here, (void *)i);
	for (int i = 0; i < AT_ONCE; i++)
		wait_unseen(&served[i]);
	if (argc > 4 && strcmp(argv[4], "race") == 0)
		seen = early;
	for (int i = 0; i < AT_ONCE; i++)
		pthread_join(t[i], NULL);
	for (unsigned long i = 0; i < entries; i++)
		sum += (unsigned long)table[i];
	free(table);
	return !seen || sum != n_connections * n_pairs;
}
