/* SPDX-License-Identifier: Apache-2.0
 *
 * inplace.h: the uncontended operations of the libc's locks, done here instead of by a call: on many machines the
 * indirect call of the real function costs more than all of our own work. Knows glibc's structures, whose layout
 * and whose meaning of free and held are part of every program's static initialisers.
 *
 * Each function does the whole operation, or nothing and says false: then the real function has to be called. Whatever
 * is not plainly free or plainly held (waiters, writers, robust, inheriting or elided locks) is the real one's.
 * gosan_inplace is set when a trial at start saw the libc do the same (inplace.c), and while no fork is under way:
 * in its child the kernel's number of the thread, which is written into mutexes, is another one.
 */
#ifndef GOSAN_INPLACE_H
#define GOSAN_INPLACE_H

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

extern bool gosan_inplace;
/* At start. */
void gosan_inplace_init(void);
/* Around a fork: off before it; afterwards, in parent and child, on if it was. */
void gosan_inplace_fork(bool before);

#define GOSAN_RW_READER   8 /* one reader in __readers */
#define GOSAN_RW_FLAGS    7 /* below: writers there, wanted, or waited for */
#define GOSAN_RW_CROWD    (1u << 20)
#define GOSAN_SPIN_FREE   1
#define GOSAN_COUNT_LIMIT 1000000 /* far from where the libc refuses to count further */

static inline bool gosan_inplace_lock(pthread_mutex_t *m, pid_t tid)
{
	int free_ = 0;

	if (!gosan_inplace || !__atomic_compare_exchange_n(&m->__data.__lock, &free_, 1, false,
							   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return false;
	m->__data.__owner = tid;
	m->__data.__nusers++;
	return true;
}

/* By its owner. A waiter that comes while this runs makes the exchange fail, and finds the mutex as it was. */
static inline bool gosan_inplace_unlock(pthread_mutex_t *m)
{
	int owner = m->__data.__owner, held = 1;

	if (!gosan_inplace)
		return false;
	m->__data.__owner = 0;
	m->__data.__nusers--;
	if (__builtin_expect(__atomic_compare_exchange_n(&m->__data.__lock, &held, 0, false, __ATOMIC_RELEASE,
							 __ATOMIC_RELAXED),
			     1))
		return true;
	m->__data.__owner = owner;
	m->__data.__nusers++;
	return false;
}

/* A recursive mutex that its owner locks again, or unlocks but not for the last time. */
static inline bool gosan_inplace_relock(pthread_mutex_t *m, pid_t tid)
{
	if (!gosan_inplace || m->__data.__owner != tid || m->__data.__count >= GOSAN_COUNT_LIMIT)
		return false;
	m->__data.__count++;
	return true;
}

static inline bool gosan_inplace_unlock_inner(pthread_mutex_t *m, pid_t tid)
{
	if (!gosan_inplace || m->__data.__owner != tid || m->__data.__count <= 1)
		return false;
	m->__data.__count--;
	return true;
}

static inline bool gosan_inplace_read_lock(pthread_rwlock_t *l)
{
	unsigned r = __atomic_load_n(&l->__data.__readers, __ATOMIC_RELAXED);

	return gosan_inplace && !(r & GOSAN_RW_FLAGS) && r < GOSAN_RW_CROWD &&
	       __atomic_compare_exchange_n(&l->__data.__readers, &r, r + GOSAN_RW_READER, false,
					   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static inline bool gosan_inplace_read_unlock(pthread_rwlock_t *l)
{
	unsigned r = __atomic_load_n(&l->__data.__readers, __ATOMIC_RELAXED);

	return gosan_inplace && !(r & GOSAN_RW_FLAGS) && r >= GOSAN_RW_READER &&
	       __atomic_compare_exchange_n(&l->__data.__readers, &r, r - GOSAN_RW_READER, false,
					   __ATOMIC_RELEASE, __ATOMIC_RELAXED);
}

static inline bool gosan_inplace_spin_lock(pthread_spinlock_t *s)
{
	return gosan_inplace && __atomic_load_n(s, __ATOMIC_RELAXED) == GOSAN_SPIN_FREE &&
	       __atomic_exchange_n(s, 0, __ATOMIC_ACQUIRE) == GOSAN_SPIN_FREE;
}

/* glibc's new semaphores (2.21): the value, and in the upper half who sleeps. */
static inline bool gosan_inplace_sem_take(sem_t *s)
{
	uint64_t *data = (uint64_t *)s, d = __atomic_load_n(data, __ATOMIC_RELAXED);

	return gosan_inplace && (uint32_t)d > 0 &&
	       __atomic_compare_exchange_n(data, &d, d - 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static inline bool gosan_inplace_sem_post(sem_t *s)
{
	uint64_t *data = (uint64_t *)s, d = __atomic_load_n(data, __ATOMIC_RELAXED);

	return gosan_inplace && d < GOSAN_COUNT_LIMIT &&
	       __atomic_compare_exchange_n(data, &d, d + 1, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED);
}

static inline bool gosan_inplace_spin_unlock(pthread_spinlock_t *s)
{
	if (!gosan_inplace)
		return false;
	__atomic_store_n(s, GOSAN_SPIN_FREE, __ATOMIC_RELEASE);
	return true;
}

#endif
