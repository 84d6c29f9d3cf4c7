// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS203 lock-order
// RUNTIME: none
// PROCS: 1
// GRADE: possible
// FUNCTIONS: first second
// FINDINGS: 1
/* The same orders in a program that is compiled for races, too. */
#define GATE_THREADS
#include "../../gate.h"

#include <pthread.h>

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static int value;
static volatile int first_done;

static void *first(void *arg)
{
	pthread_mutex_lock(&a);
	pthread_mutex_lock(&b);
	value++;
	pthread_mutex_unlock(&b);
	pthread_mutex_unlock(&a);
	gate_open(&first_done);
	return arg;
}

static void *second(void *arg)
{
	gate_wait(&first_done);
	pthread_mutex_lock(&b);
	pthread_mutex_lock(&a);
	value++;
	pthread_mutex_unlock(&a);
	pthread_mutex_unlock(&b);
	return arg;
}

int main(void)
{
	pthread_t t[2];

	pthread_create(&t[0], NULL, first, NULL);
	pthread_create(&t[1], NULL, second, NULL);
	pthread_join(t[0], NULL);
	pthread_join(t[1], NULL);
}
