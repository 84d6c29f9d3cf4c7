// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// EXPECT-OUTPUT: ordered
// | 12 8
// RUNTIME: none
/* Announced locks order like others: a recursive one, one that is given up in all its depth as for a condition, one that
 * is tried, and a reader-writer lock in the older spelling that wraps a pthread lock at the same address. */
#include "annotate.h"

#include <stdio.h>

enum { REENTRANT = 1 << 1, TRY = 1 << 4, TRY_FAILED = 1 << 5, RECURSIVE_LOCK = 1 << 6, RECURSIVE_UNLOCK = 1 << 7 };

static struct {
	struct spin spin;
	pthread_t owner;
	int depth;
} r;
static pthread_rwlock_t rw = PTHREAD_RWLOCK_INITIALIZER;
static int guarded, shared;

HIDDEN static void really_lock(void)
{
	if (r.depth && pthread_equal(r.owner, pthread_self())) {
		r.depth++;
		return;
	}
	spin_take(&r.spin);
	r.owner = pthread_self();
	r.depth = 1;
}

HIDDEN static void really_unlock(void)
{
	if (--r.depth == 0) {
		r.owner = 0;
		spin_give(&r.spin);
	}
}

static void lock(void)
{
	__tsan_mutex_pre_lock(&r, REENTRANT);
	really_lock();
	__tsan_mutex_post_lock(&r, REENTRANT, 0);
}

static void unlock(void)
{
	__tsan_mutex_pre_unlock(&r, 0);
	really_unlock();
	__tsan_mutex_post_unlock(&r, 0);
}

/* What a condition's wait does: all of it is given up, and taken again. */
static void pause_all(void)
{
	int depth = __tsan_mutex_pre_unlock(&r, RECURSIVE_UNLOCK);

	really_unlock();
	really_unlock();
	__tsan_mutex_post_unlock(&r, RECURSIVE_UNLOCK);
	sched_yield();
	__tsan_mutex_pre_lock(&r, RECURSIVE_LOCK);
	really_lock();
	really_lock();
	__tsan_mutex_post_lock(&r, RECURSIVE_LOCK, depth);
}

static void *worker(void *arg)
{
	lock();
	lock();
	guarded++;
	pause_all();
	guarded++;
	unlock();
	guarded++;
	unlock();
	__tsan_mutex_pre_lock(&rw, TRY);
	__tsan_mutex_post_lock(&rw, TRY | TRY_FAILED, 0);
	for (int i = 0; i < 2; i++) {
		pthread_rwlock_wrlock(&rw);
		AnnotateRWLockAcquired(__FILE__, __LINE__, &rw, 1);
		shared++;
		AnnotateRWLockReleased(__FILE__, __LINE__, &rw, 1);
		pthread_rwlock_unlock(&rw);
	}
	return arg;
}

int main(void)
{
	pthread_t t[4];

	__tsan_mutex_create(&r, REENTRANT);
	AnnotateRWLockCreate(__FILE__, __LINE__, &rw);
	for (int i = 0; i < 4; i++)
		if (pthread_create(&t[i], NULL, worker, NULL))
			return 1;
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	printf("%d %d\n", guarded, shared);
	AnnotateRWLockDestroy(__FILE__, __LINE__, &rw);
	__tsan_mutex_destroy(&r, 0);
}
