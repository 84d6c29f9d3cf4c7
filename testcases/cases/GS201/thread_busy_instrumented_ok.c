// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// RUNTIME: none
// PROCS: 1
/* The same, compiled for races, too. */
#define GATE_THREADS
#include "../../gate.h"

#include <pthread.h>
#include <semaphore.h>

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t table = PTHREAD_RWLOCK_INITIALIZER;
static pthread_barrier_t all;
static sem_t slots;
static int turn, entries[8];

static void *player(void *arg)
{
	int me = *(int *)arg;

	pthread_barrier_wait(&all);
	for (int round = 0; round < 200; round++) {
		sem_wait(&slots);
		pthread_rwlock_rdlock(&table);
		int seen = entries[me];
		pthread_rwlock_unlock(&table);
		pthread_rwlock_wrlock(&table);
		entries[me] = seen + 1;
		pthread_rwlock_unlock(&table);
		sem_post(&slots);
		pthread_mutex_lock(&mu);
		while (turn % 4 != me)
			pthread_cond_wait(&changed, &mu);
		turn++;
		pthread_cond_broadcast(&changed);
		pthread_mutex_unlock(&mu);
	}
	pthread_barrier_wait(&all);
	return NULL;
}

int main(void)
{
	pthread_t t[4];
	int id[4] = {0, 1, 2, 3};

	sem_init(&slots, 0, 2);
	pthread_barrier_init(&all, NULL, 4);
	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, player, &id[i]);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	pthread_barrier_destroy(&all);
	sem_destroy(&slots);
	return entries[0] + entries[1] + entries[2] + entries[3] != 800;
}
