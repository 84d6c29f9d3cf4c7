/* SPDX-License-Identifier: Apache-2.0
 *
 * inplace.c: does this libc treat its locks as inplace.h does? Each one is taken by the real function and looked at,
 * given back in place and taken again by the real one. One difference (another libc, locks elided by a tunable)
 * and all operations stay the libc's.
 *
 * Spin locks differ between processors in what is free: the trial shows it too.
 */
#include "inplace.h"

#include "intercept.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

bool gosan_inplace;
static bool possible;

/* Locked by the one and unlocked by the other, both ways. */
static bool try_mutex(pid_t tid)
{
	pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
	bool ok;

	if (GOSAN_REAL(pthread_mutex_lock)(&m) != 0)
		return false;
	ok = m.__data.__lock == 1 && m.__data.__owner == tid && m.__data.__nusers == 1 &&
	     m.__data.__kind == 0;
	ok = ok && gosan_inplace_unlock(&m) && m.__data.__lock == 0 && m.__data.__nusers == 0;
	ok = ok && GOSAN_REAL(pthread_mutex_trylock)(&m) == 0 && !gosan_inplace_lock(&m, tid);
	ok = ok && GOSAN_REAL(pthread_mutex_unlock)(&m) == 0 && gosan_inplace_lock(&m, tid);
	return ok && GOSAN_REAL(pthread_mutex_trylock)(&m) == EBUSY &&
	       GOSAN_REAL(pthread_mutex_unlock)(&m) == 0 && m.__data.__lock == 0 && m.__data.__owner == 0;
}

static bool try_recursive(pid_t tid)
{
	pthread_mutex_t m = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
	bool ok = GOSAN_REAL(pthread_mutex_lock)(&m) == 0 && m.__data.__count == 1;

	ok = ok && gosan_inplace_relock(&m, tid) && GOSAN_REAL(pthread_mutex_lock)(&m) == 0 &&
	     m.__data.__count == 3 && gosan_inplace_unlock_inner(&m, tid);
	ok = ok && GOSAN_REAL(pthread_mutex_unlock)(&m) == 0 && !gosan_inplace_unlock_inner(&m, tid);
	return ok && GOSAN_REAL(pthread_mutex_unlock)(&m) == 0 && m.__data.__lock == 0 &&
	       m.__data.__owner == 0 && !gosan_inplace_relock(&m, tid);
}

/* A writer's phase stays when it has left; a reader ends it. */
static bool try_writer(pid_t tid)
{
	pthread_rwlock_t l = PTHREAD_RWLOCK_INITIALIZER;
	bool ok = GOSAN_REAL(pthread_rwlock_wrlock)(&l) == 0 && l.__data.__readers == GOSAN_RW_WRITTEN &&
		  l.__data.__writers_futex == 1 && l.__data.__wrphase_futex == 1 &&
		  l.__data.__cur_writer == tid;

	ok = ok && !gosan_inplace_write_lock(&l, tid) && gosan_inplace_write_unlock(&l);
	ok = ok && GOSAN_REAL(pthread_rwlock_wrlock)(&l) == 0 && GOSAN_REAL(pthread_rwlock_unlock)(&l) == 0;
	ok = ok && l.__data.__readers == GOSAN_RW_PHASE && l.__data.__cur_writer == 0;
	ok = ok && gosan_inplace_write_lock(&l, tid) && GOSAN_REAL(pthread_rwlock_tryrdlock)(&l) == EBUSY;
	ok = ok && GOSAN_REAL(pthread_rwlock_unlock)(&l) == 0 && GOSAN_REAL(pthread_rwlock_rdlock)(&l) == 0;
	ok = ok && !gosan_inplace_write_lock(&l, tid) && GOSAN_REAL(pthread_rwlock_unlock)(&l) == 0;
	ok = ok && l.__data.__readers == 0 && gosan_inplace_write_lock(&l, tid);
	return ok && l.__data.__wrphase_futex == 1 && GOSAN_REAL(pthread_rwlock_unlock)(&l) == 0;
}

static bool try_rwlock(void)
{
	pthread_rwlock_t l = PTHREAD_RWLOCK_INITIALIZER;
	bool ok = GOSAN_REAL(pthread_rwlock_rdlock)(&l) == 0 && l.__data.__readers == GOSAN_RW_READER;

	ok = ok && gosan_inplace_read_lock(&l) && gosan_inplace_read_unlock(&l);
	ok = ok && GOSAN_REAL(pthread_rwlock_unlock)(&l) == 0 && l.__data.__readers == 0;
	ok = ok && GOSAN_REAL(pthread_rwlock_wrlock)(&l) == 0 && !gosan_inplace_read_lock(&l);
	return ok && GOSAN_REAL(pthread_rwlock_unlock)(&l) == 0;
}

static bool try_spin(void)
{
	pthread_spinlock_t s;
	bool ok;

	GOSAN_REAL(pthread_spin_init)(&s, PTHREAD_PROCESS_PRIVATE);
	ok = gosan_inplace_spin_lock(&s) && GOSAN_REAL(pthread_spin_trylock)(&s) == EBUSY;
	ok = ok && gosan_inplace_spin_unlock(&s) && GOSAN_REAL(pthread_spin_lock)(&s) == 0;
	return ok && !gosan_inplace_spin_lock(&s) && GOSAN_REAL(pthread_spin_unlock)(&s) == 0;
}

static bool try_sem(void)
{
	int value = -1;
	sem_t s;
	bool ok = GOSAN_REAL(sem_init)(&s, 0, 1) == 0 && gosan_inplace_sem_take(&s);

	ok = ok && !gosan_inplace_sem_take(&s) && GOSAN_REAL(sem_trywait)(&s) != 0;
	ok = ok && gosan_inplace_sem_post(&s) && gosan_inplace_sem_post(&s);
	return ok && GOSAN_REAL(sem_post)(&s) == 0 && GOSAN_REAL(sem_getvalue)(&s, &value) == 0 && value == 3;
}

void gosan_inplace_init(void)
{
	pid_t tid = (pid_t)syscall(SYS_gettid);

	gosan_inplace = true;
	possible = try_mutex(tid) && try_recursive(tid) && try_rwlock() && try_writer(tid) && try_spin() &&
		   try_sem();
	gosan_inplace = possible;
}

void gosan_inplace_fork(bool before)
{
	gosan_inplace = !before && possible;
}
