// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// OBJECT: counter
// RUNTIME: none
/* Writes are ignored, the reads in there are not: they race with the other thread's write. */
#include "annotate.h"

static int counter, copy;

static void *reader(void *arg)
{
	AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
	copy = counter;
	AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
	hidden_set(1);
	return arg;
}

int main(void)
{
	pthread_t t;

	if (pthread_create(&t, NULL, reader, NULL))
		return 1;
	hidden_wait(1);
	copy = 2; /* the write that is ignored: no race with this one */
	counter = 1;
	pthread_join(t, NULL);
	return copy != 0 && copy != 2;
}
