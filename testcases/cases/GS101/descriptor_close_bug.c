// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// RUNTIME: none
// OBJECT-KIND: descriptor
// FUNCTIONS: closer writer
/* One thread writes to a pipe, another closes it; the number may be another file's when the write comes. */
#define GATE_THREADS
#include "../../gate.h"

#include <pthread.h>

static int ends[2];
static volatile int written;

static void *writer(void *arg)
{
	if (write(ends[1], "x", 1) != 1)
		_exit(3);
	gate_open(&written);
	return arg;
}

static void *closer(void *arg)
{
	gate_wait(&written);
	close(ends[1]);
	return arg;
}

int main(void)
{
	pthread_t t[2];

	if (pipe(ends) != 0)
		return 3;
	pthread_create(&t[0], NULL, writer, NULL);
	pthread_create(&t[1], NULL, closer, NULL);
	pthread_join(t[0], NULL);
	pthread_join(t[1], NULL);
	return close(ends[0]);
}
