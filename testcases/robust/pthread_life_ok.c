// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// RUNTIME: none
// INSTRUMENT: no
// EXPECT-OUTPUT: ordered
// | 300 threads, 300 ends
/* Threads that come and go in every way: joined, detached by themselves, by their creator and by attribute, on the
 * smallest stack there is, ended by return, pthread_exit and from a nested call with a lock in a destructor; and main
 * leaves by pthread_exit, so that the last thread ends the program. */
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define ROUNDS 50

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_key_t key;
static int started, ended;

static void at_end(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&mu);
	ended++;
	pthread_cond_broadcast(&cond);
	pthread_mutex_unlock(&mu);
}

static void begin(void)
{
	pthread_setspecific(key, &mu);
	pthread_mutex_lock(&mu);
	started++;
	pthread_mutex_unlock(&mu);
}

static void *returns(void *arg)
{
	begin();
	return arg;
}

static void leave(void)
{
	pthread_exit(&mu);
}

static void *exits(void *arg)
{
	(void)arg;
	begin();
	leave();
	return NULL;
}

static void *detaches_itself(void *arg)
{
	pthread_detach(pthread_self());
	begin();
	return arg;
}

static int round_of_six(void)
{
	pthread_attr_t small, detached;
	pthread_t t[6];
	int failed = 0;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, PTHREAD_STACK_MIN + 16384);
	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	failed += pthread_create(&t[0], &small, returns, NULL);
	failed += pthread_create(&t[1], NULL, exits, NULL);
	failed += pthread_create(&t[2], NULL, detaches_itself, NULL);
	failed += pthread_create(&t[3], NULL, returns, NULL);
	failed += pthread_detach(t[3]);
	failed += pthread_create(&t[4], &detached, exits, NULL);
	failed += pthread_create(&t[5], NULL, returns, NULL);
	failed += pthread_join(t[0], NULL) + pthread_join(t[1], NULL) + pthread_join(t[5], NULL);
	return failed;
}

static void *last(void *arg)
{
	pthread_mutex_lock(&mu);
	while (ended < 6 * ROUNDS)
		pthread_cond_wait(&cond, &mu);
	printf("%d threads, %d ends\n", started, ended);
	pthread_mutex_unlock(&mu);
	exit(0);
	return arg;
}

int main(void)
{
	pthread_t t;
	int failed = 0;

	pthread_key_create(&key, at_end);
	for (int i = 0; i < ROUNDS; i++)
		failed += round_of_six();
	if (failed)
		return failed;
	pthread_create(&t, NULL, last, NULL);
	pthread_detach(t);
	pthread_exit(NULL);
}
