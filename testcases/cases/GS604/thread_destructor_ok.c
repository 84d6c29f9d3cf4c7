// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
/* The destructor of thread-specific data unlocks: it belongs to the thread. */
#define GATE_THREADS
#include "../../gate.h"

#include <pthread.h>

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static pthread_key_t key;

static void leave(void *arg)
{
	pthread_mutex_unlock(arg);
}

static void *worker(void *arg)
{
	pthread_mutex_lock(&mu);
	pthread_setspecific(key, &mu);
	return arg;
}

int main(void)
{
	pthread_t t;

	pthread_key_create(&key, leave);
	pthread_create(&t, NULL, worker, NULL);
	pthread_join(t, NULL);
	pthread_mutex_lock(&mu);
	pthread_mutex_unlock(&mu);
}
