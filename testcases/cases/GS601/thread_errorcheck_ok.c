// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
/* An error-checking mutex refuses the second unlock: the program is told. */
#define GATE_THREADS
#include "../../gate.h"

#include <pthread.h>

static pthread_mutex_t mu = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;

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
