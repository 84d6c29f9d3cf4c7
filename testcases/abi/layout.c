// SPDX-License-Identifier: Apache-2.0
/* A race deeper than a goroutine has frames at first: its stacks are whole whoever keeps them. */
#include <pthread.h>

static int shared;

static __attribute__((noinline)) void deeper(int n)
{
	if (n > 0)
		deeper(n - 1);
	else
		shared++;
	__asm__ volatile("");
}

static __attribute__((noinline)) void outer(void)
{
	deeper(3);
	for (int i = 0; i < 100; i++)
		deeper(12);
	__asm__ volatile("");
}

static void *worker(void *arg)
{
	outer();
	return arg;
}

int main(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, worker, NULL);
	outer();
	pthread_join(thread, NULL);
	return 0;
}
