// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
/* The read lock is given back first. */
#define GATE_THREADS
#include "../../gate.h"

#include <pthread.h>

static pthread_rwlock_t rw = PTHREAD_RWLOCK_INITIALIZER;
static int value;

static void set(int to)
{
	pthread_rwlock_wrlock(&rw);
	value = to;
	pthread_rwlock_unlock(&rw);
}

int main(void)
{
	pthread_rwlock_rdlock(&rw);
	if (value == 0) {
		pthread_rwlock_unlock(&rw);
		set(1);
	}
}
