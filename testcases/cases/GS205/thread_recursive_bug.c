// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS205 recursive-rlock
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
// GRADE: possible
// OBJECT: rw
// FUNCTIONS: reader lookup writer
// FINDINGS: 1
/* A lock of the kind that lets queued writers go first is read-locked twice, and another thread writes. */
#define GATE_THREADS
#include "../../gate.h"

#include <pthread.h>

static pthread_rwlock_t rw = PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP;
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
