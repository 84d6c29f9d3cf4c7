// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS204 double-lock
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
// GRADE: proved
// OBJECT: rw
// FUNCTIONS: set main
// FINDINGS: 1
// OPTIONS: --timeout=1
/* A reader asks for the write lock: it waits for itself to stop reading. */
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
		set(1);
		pthread_rwlock_unlock(&rw);
	}
}
