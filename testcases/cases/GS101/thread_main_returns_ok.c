// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// RUNTIME: none
/* main returns at once, but what it shares is under a lock; the thread sleeps for ever and holds nothing up. */
#include <pthread.h>
#include <unistd.h>

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static int hits;

static void hit(void)
{
	pthread_mutex_lock(&mu);
	hits++;
	pthread_mutex_unlock(&mu);
}

static void *worker(void *arg)
{
	hit();
	for (;;)
		pause();
	return arg;
}

int main(void)
{
	pthread_t t;

	pthread_create(&t, NULL, worker, NULL);
	pthread_detach(t);
	hit();
	return 0;
}
