// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// RUNTIME: none
// OBJECT-KIND: descriptor
// FUNCTIONS: closer writer
/* The close comes first: the write fails, or goes to whatever has the number by then. */
#define GATE_THREADS
#include "../../gate.h"

#include <pthread.h>

static int ends[2];
static volatile int closed;

static void *writer(void *arg)
{
	gate_wait(&closed);
	if (write(ends[1], "x", 1) == 1)
		_exit(3);
	return arg;
}

static void *closer(void *arg)
{
	close(ends[1]);
	gate_open(&closed);
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
