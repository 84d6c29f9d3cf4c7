// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// OBJECT: after
// RUNTIME: none
/* What comes after the release that the program announces is not ordered by it. */
#include "annotate.h"

static int before, after;

static void *producer(void *arg)
{
	before = 1;
	__tsan_release(&turn);
	after = 1;
	hidden_set(1);
	return arg;
}

int main(void)
{
	pthread_t t;
	int sum;

	if (pthread_create(&t, NULL, producer, NULL))
		return 1;
	hidden_wait(1);
	__tsan_acquire(&turn);
	sum = before + after;
	pthread_join(t, NULL);
	return sum != 2;
}
