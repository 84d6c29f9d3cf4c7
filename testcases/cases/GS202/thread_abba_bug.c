// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS202 partial-deadlock
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
// GRADE: proved
// FUNCTIONS: transfer left right
// FINDINGS: 1
/* Two threads block each other; main does not need them and returns. */
#define GATE_THREADS
#include "../../gate.h"

#include <pthread.h>

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static volatile int has_first[2], tid[2];

static void transfer(int me, pthread_mutex_t *from, pthread_mutex_t *to)
{
	gate_here(&tid[me]);
	pthread_mutex_lock(from);
	gate_open(&has_first[me]);
	gate_wait(&has_first[!me]);
	pthread_mutex_lock(to);
	pthread_mutex_unlock(to);
	pthread_mutex_unlock(from);
}

static void *left(void *arg)
{
	transfer(0, &a, &b);
	return arg;
}

static void *right(void *arg)
{
	transfer(1, &b, &a);
	return arg;
}

int main(void)
{
	pthread_t t[2];

	pthread_create(&t[0], NULL, left, NULL);
	pthread_create(&t[1], NULL, right, NULL);
	gate_blocked(&tid[0], &b, sizeof b);
	gate_blocked(&tid[1], &a, sizeof a);
}
