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
#define GOSAN_RW_PHASE    1 /* of writers: readers would have to begin theirs */
#define GOSAN_RW_WRITTEN  3 /* and a writer has it */
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

/* Nobody has it or wants it, in whosever phase it was left. The futexes say that whoever comes has to wait. */
static inline bool gosan_inplace_write_lock(pthread_rwlock_t *l, pid_t tid)
{
	unsigned r = __atomic_load_n(&l->__data.__readers, __ATOMIC_RELAXED);

	if (!gosan_inplace || r > GOSAN_RW_PHASE ||
	    !__atomic_compare_exchange_n(&l->__data.__readers, &r, GOSAN_RW_WRITTEN, false, __ATOMIC_ACQUIRE,
					 __ATOMIC_RELAXED))
		return false;
	__atomic_store_n(&l->__data.__writers_futex, 1, __ATOMIC_RELAXED);
	if (r == 0)
		__atomic_store_n(&l->__data.__wrphase_futex, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&l->__data.__cur_writer, tid, __ATOMIC_RELAXED);
	return true;
}

/* By the writer, when nobody waits; the phase stays. First the futex of writers: one that is used keeps its value. A reader
 * that comes after that makes the second exchange fail, and then the real function does what is left: for it, that futex is
 * free already, and no writer sleeps on one that is. */
static inline bool gosan_inplace_write_unlock(pthread_rwlock_t *l)
{
	unsigned held = 1, r = GOSAN_RW_WRITTEN;
	int writer = l->__data.__cur_writer;

	if (!gosan_inplace || __atomic_load_n(&l->__data.__readers, __ATOMIC_RELAXED) != r ||
	    __atomic_load_n(&l->__data.__writers, __ATOMIC_RELAXED) ||
	    !__atomic_compare_exchange_n(&l->__data.__writers_futex, &held, 0, false, __ATOMIC_RELAXED,
					 __ATOMIC_RELAXED))
		return false;
	__atomic_store_n(&l->__data.__cur_writer, 0, __ATOMIC_RELAXED);
	if (__builtin_expect(__atomic_compare_exchange_n(&l->__data.__readers, &r, GOSAN_RW_PHASE, false,
							 __ATOMIC_RELEASE, __ATOMIC_RELAXED),
			     1))
		return true;
	__atomic_store_n(&l->__data.__cur_writer, writer, __ATOMIC_RELAXED);
	return false;
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
