// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS602 unlock-by-other
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
// OBJECT: mu
// FUNCTIONS: release take hold main
// FINDINGS: 1
/* A mutex that main holds is unlocked by another thread. It was taken, by a function that returned, so often that the
 * detector only noted it: the report has the whole stack all the same. */
#include <pthread.h>

#define OFTEN 300

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;

static __attribute__((noinline)) void take(void)
{
	pthread_mutex_lock(&mu);
}

static void *release(void *arg)
{
	pthread_mutex_unlock(&mu);
	return arg;
}

static __attribute__((noinline)) void hold(void)
{
	pthread_t t;

	for (int i = 0; i < OFTEN; i++) {
		take();
		pthread_mutex_unlock(&mu);
	}
	take();
	pthread_create(&t, NULL, release, NULL);
	pthread_join(t, NULL);
}

int main(void)
{
	hold();
}
