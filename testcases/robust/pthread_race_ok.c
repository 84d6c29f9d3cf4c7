// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// RUNTIME: none
/* Plain threads with a mutex, a condition variable, and joins. */
#include <pthread.h>

static int counter, ready, result;
static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;

static void *increment(void *arg)
{
	pthread_mutex_lock(&mu);
	counter++;
	ready++;
	pthread_cond_signal(&cond);
	pthread_mutex_unlock(&mu);

	return arg;
}

int main(void)
{
	pthread_t t;

	if (pthread_create(&t, NULL, increment, NULL))
		return 1;
	pthread_mutex_lock(&mu);
	while (!ready)
		pthread_cond_wait(&cond, &mu);
	counter++;
	pthread_mutex_unlock(&mu);
	pthread_join(t, NULL);
	result = counter;
	return result != 2;
}
