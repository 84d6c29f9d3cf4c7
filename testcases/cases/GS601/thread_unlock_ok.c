// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
/* Once. */
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
	leave();
}
