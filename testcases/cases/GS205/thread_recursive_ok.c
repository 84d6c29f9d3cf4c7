// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
/* The default kind lets readers in while writers wait, so that reading twice cannot block. */
#define GATE_THREADS
#include "../../gate.h"

#include <pthread.h>

static pthread_rwlock_t rw = PTHREAD_RWLOCK_INITIALIZER;
static volatile int read_done;

static int lookup(void)
{
	pthread_rwlock_rdlock(&rw);
	pthread_rwlock_unlock(&rw);
	return 0;
}

static void *reader(void *arg)
{
	pthread_rwlock_rdlock(&rw);
	lookup();
	pthread_rwlock_unlock(&rw);
	gate_open(&read_done);
	return arg;
}

static void *writer(void *arg)
{
	gate_wait(&read_done);
	pthread_rwlock_wrlock(&rw);
	pthread_rwlock_unlock(&rw);
	return arg;
}

int main(void)
{
	pthread_t t[2];

	pthread_create(&t[0], NULL, reader, NULL);
	pthread_create(&t[1], NULL, writer, NULL);
	pthread_join(t[0], NULL);
	pthread_join(t[1], NULL);
}
