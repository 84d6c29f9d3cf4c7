// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// RUNTIME: none
// OBJECT: shared
/* An attempt to take a lock that failed orders nothing, although the lock's own atomic would. */
#include "annotate.h"

#include <stdatomic.h>

#define TRY        (1u << 4)
#define TRY_FAILED (1u << 5)

static _Atomic int word;
static int shared;

static void lock(void)
{
	__tsan_mutex_pre_lock(&word, 0);
	while (atomic_exchange(&word, 1))
		sched_yield();
	__tsan_mutex_post_lock(&word, 0, 0);
}

static int try_lock(void)
{
	int got;

	__tsan_mutex_pre_lock(&word, TRY);
	got = !atomic_exchange(&word, 1);
	__tsan_mutex_post_lock(&word, TRY | (got ? 0 : TRY_FAILED), 0);
	return got;
}

static void unlock(void)
{
	__tsan_mutex_pre_unlock(&word, 0);
	atomic_store(&word, 0);
	__tsan_mutex_post_unlock(&word, 0);
}

static void *owner(void *arg)
{
	lock();
	shared++;
	unlock();
	lock();
	hidden_set(1);
	hidden_wait(2);
	unlock();
	return arg;
}

int main(void)
{
	pthread_t t;

	if (pthread_create(&t, NULL, owner, NULL))
		return 1;
	hidden_wait(1);
	if (try_lock())
		return 3;
	shared++;
	hidden_set(2);
	pthread_join(t, NULL);
	return 0;
}
