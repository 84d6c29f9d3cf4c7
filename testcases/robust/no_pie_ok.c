// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// RUNTIME: none
// LINK: -no-pie
/* At a fixed address, and with no symbol for others in it: that it is instrumented shows only in what it imports. */
#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int counter;

static void *increment(void *arg)
{
	pthread_mutex_lock(&lock);
	counter++;
	pthread_mutex_unlock(&lock);
	return arg;
}

int main(void)
{
	pthread_t t[2];

	for (int i = 0; i < 2; i++)
		if (pthread_create(&t[i], NULL, increment, NULL))
			return 1;
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	return counter != 2;
}
