// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
/* The mutex is given back before the join. */
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
	pthread_mutex_unlock(&mu);
	pthread_join(worker_thread, NULL);
	return arg;
}

int main(void)
{
	pthread_create(&worker_thread, NULL, worker, NULL);
	pthread_create(&boss_thread, NULL, boss, NULL);
	pthread_join(boss_thread, NULL);
}
