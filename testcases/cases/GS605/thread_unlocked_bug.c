// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS605 cond-misuse
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
// GRADE: proved
// OBJECT: changed
// FUNCTIONS: main
// FINDINGS: 1
// MATCH: without its mutex held
/* A thread waits without the mutex. */
#define GATE_THREADS
#include "../../gate.h"

#include <pthread.h>

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

int main(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	pthread_cond_timedwait(&changed, &mu, &now);
}
