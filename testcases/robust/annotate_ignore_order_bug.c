// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// RUNTIME: none
// OBJECT: shared
/* Order that the program wants ignored does not count: a mutex, and an atomic flag. */
#include "annotate.h"

#include <stdatomic.h>

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static _Atomic int flag;
static int shared;

static void *deaf(void *arg)
{
	hidden_wait(1);
	AnnotateIgnoreSyncBegin(__FILE__, __LINE__);
	pthread_mutex_lock(&mu);
	while (!atomic_load(&flag))
		;
	pthread_mutex_unlock(&mu);
	AnnotateIgnoreSyncEnd(__FILE__, __LINE__);
	shared++;
	return arg;
}

int main(void)
{
	pthread_t t;

	if (pthread_create(&t, NULL, deaf, NULL))
		return 1;
	pthread_mutex_lock(&mu);
	shared++;
	pthread_mutex_unlock(&mu);
	atomic_store(&flag, 1);
	hidden_set(1);
	pthread_join(t, NULL);
	return 0;
}
