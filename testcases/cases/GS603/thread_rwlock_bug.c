// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS603 destroy-in-use
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
// GRADE: proved
// OBJECT: rw
// FUNCTIONS: main
// FINDINGS: 1
/* A read-write lock is destroyed by the thread that reads under it. */
#define GATE_THREADS
#include "../../gate.h"

#include <pthread.h>

static pthread_rwlock_t rw;

int main(void)
{
	pthread_rwlock_init(&rw, NULL);
	pthread_rwlock_rdlock(&rw);
	pthread_rwlock_destroy(&rw);
}
