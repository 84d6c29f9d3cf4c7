// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// OBJECT: counter
// FUNCTIONS: increment
// RUNTIME: none
/* Plain threads, no goroutine anywhere: races are found all the same. */
#include <pthread.h>

static int counter;

static void *increment(void *arg)
{
	counter++;
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
}
