// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS202 partial-deadlock
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
// GRADE: proved
// FUNCTIONS: worker boss
// FINDINGS: 1
// OBJECT: mu
/* A thread joins another one while it holds a mutex that the other needs; main goes on. */
#define GATE_THREADS
#include "../../gate.h"

#include <pthread.h>

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static pthread_t worker_thread, boss_thread;
static volatile int locked, worker_tid, boss_tid;

static void *worker(void *arg)
{
	gate_here(&worker_tid);
	gate_wait(&locked);
	pthread_mutex_lock(&mu);
	pthread_mutex_unlock(&mu);
	return arg;
}

static void *boss(void *arg)
{
	gate_here(&boss_tid);
	pthread_mutex_lock(&mu);
	gate_open(&locked);
	pthread_join(worker_thread, NULL);
	pthread_mutex_unlock(&mu);
	return arg;
}

int main(void)
{
	pthread_create(&worker_thread, NULL, worker, NULL);
	pthread_create(&boss_thread, NULL, boss, NULL);
	gate_blocked(&worker_tid, &mu, sizeof mu);
	gate_blocked(&boss_tid, (void *)worker_thread, 4096);
}
