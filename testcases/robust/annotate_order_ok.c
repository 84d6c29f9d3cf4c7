// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// RUNTIME: none
/* Order that only the program knows of, announced in the two spellings. */
#include "annotate.h"

static int one, two;

static void *producer(void *arg)
{
	one = 1;
	__tsan_release(&turn);
	hidden_set(1);
	hidden_wait(2);
	AnnotateHappensAfter(__FILE__, __LINE__, &two);
	two++;
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
	sum = one;
	two = sum;
	AnnotateHappensBefore(__FILE__, __LINE__, &two);
	hidden_set(2);
	pthread_join(t, NULL);
	return two != 2;
}
