// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS601 unlock-of-unlocked
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
// GRADE: proved
// OBJECT: mu
// FUNCTIONS: leave main
// FINDINGS: 1
/* A mutex is unlocked twice. */
#define GATE_THREADS
#include "../../gate.h"

#include <pthread.h>

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;

static void leave(void)
{
	pthread_mutex_unlock(&mu);
}

int main(void)
{
	pthread_mutex_lock(&mu);
	pthread_mutex_unlock(&mu);
	leave();
}
