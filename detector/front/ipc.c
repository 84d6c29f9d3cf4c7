/* SPDX-License-Identifier: Apache-2.0
 *
 * ipc.c: order through objects of the kernel that are no streams of bytes: epoll, message queues, System V's
 * semaphores and messages, locks on files. Threads of one process use them too.
 *
 * What is registered with epoll is handed to whoever waits. A message is after its sending. System V's semaphores and
 * file locks tell nobody who unlocked whom: each call that succeeds is after all that were made before it. That is
 * order that may not be there, and never a false alarm.
 */
#include "fd.h"
#include "intercept.h"

#include <errno.h>
#include <mqueue.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/msg.h>
#include <sys/sem.h>

/* Of keys that are no descriptors: the kind above the number. All files that are locked share one: a lock tells no more
 * than that somebody else had given it back. */
enum { SEMAPHORES = 5, MESSAGES, FILES };

static bool watched(uintptr_t pc)
{
	return gosan_access_ready && !gosan_ignore && !gosan_intercept_is_own(pc);
}

/* The key of a call that is watched, after what it publishes is published; 0: of no interest. */
static uint64_t publish(uint64_t key, uintptr_t pc)
{
	if (!watched(pc))
		return 0;
	gosan_fd_release_key(key);
	return key;
}

static int taken(int rc, uint64_t key)
{
	if (rc >= 0 && key)
		gosan_fd_acquire_key(key);
	return rc;
}

/* ---- epoll ----
 *
 * The registration is the release: the data of the event, mostly a pointer, is handed over with it. Who waits acquires
 * from all that registered with this descriptor, for an event does not say when it was asked for. Registered again
 * after each event (EPOLLONESHOT), a connection goes from thread to thread without a lock.
 */

GOSAN_EXPORT int epoll_ctl(int ep, int op, int fd, struct epoll_event *ev)
{
	if (watched(GOSAN_CALLER)) {
		gosan_fd_using(ep, GOSAN_CALLER);
		gosan_fd_release(ep);
	}
	return GOSAN_REAL(epoll_ctl)(ep, op, fd, ev);
}

/* n events were got. The kernel has written them. */
static int woken(int ep, struct epoll_event *ev, int n, uintptr_t pc)
{
	int saved = errno;

	if (n > 0 && watched(pc)) {
		gosan_fd_acquire(ep);
		if (gosan_intercept_sees(pc))
			gosan_intercept_write(ev, (size_t)n * sizeof(*ev), pc);
	}
	errno = saved;
	return n;
}

#define WAITS(name, params, args) \
	GOSAN_EXPORT int name params \
	{ \
		gosan_fd_using(ep, GOSAN_CALLER); \
		return woken(ep, ev, GOSAN_REAL(name) args, GOSAN_CALLER); \
	}
WAITS(epoll_wait, (int ep, struct epoll_event *ev, int max, int ms), (ep, ev, max, ms))
WAITS(epoll_pwait, (int ep, struct epoll_event *ev, int max, int ms, const sigset_t *mask),
      (ep, ev, max, ms, mask))

/* ---- message queues ----
 *
 * A queue of POSIX is a descriptor of a file system of its own, whose inode is the key; one of System V a number.
 */

#define SENDS(name, params, args) \
	GOSAN_EXPORT int name params \
	{ \
		if (gosan_intercept_sees(GOSAN_CALLER)) \
			gosan_intercept_read(text, n, GOSAN_CALLER); \
		publish(gosan_fd_inode_key(q), GOSAN_CALLER); \
		return GOSAN_REAL(name) args; \
	}
SENDS(mq_send, (mqd_t q, const char *text, size_t n, unsigned prio), (q, text, n, prio))
SENDS(mq_timedsend, (mqd_t q, const char *text, size_t n, unsigned prio, const struct timespec *t),
      (q, text, n, prio, t))

static ssize_t received(ssize_t n, uint64_t key, void *text, uintptr_t pc)
{
	int saved = errno;

	if (n >= 0 && watched(pc)) {
		gosan_fd_acquire_key(key);
		if (n > 0 && gosan_intercept_sees(pc))
			gosan_intercept_write(text, (size_t)n, pc);
	}
	errno = saved;
	return n;
}

#define RECEIVES(name, params, args) \
	GOSAN_EXPORT ssize_t name params \
	{ \
		return received(GOSAN_REAL(name) args, gosan_fd_inode_key(q), text, GOSAN_CALLER); \
	}
RECEIVES(mq_receive, (mqd_t q, char *restrict text, size_t n, unsigned *restrict prio), (q, text, n, prio))
RECEIVES(mq_timedreceive,
	 (mqd_t q, char *restrict text, size_t n, unsigned *restrict prio, const struct timespec *restrict t),
	 (q, text, n, prio, t))

/* A message of System V begins with its type, a long. */
GOSAN_EXPORT int msgsnd(int q, const void *m, size_t n, int flags)
{
	if (gosan_intercept_sees(GOSAN_CALLER))
		gosan_intercept_read(m, n + sizeof(long), GOSAN_CALLER);
	publish(gosan_fd_number_key(MESSAGES, (uint64_t)q), GOSAN_CALLER);
	return GOSAN_REAL(msgsnd)(q, m, n, flags);
}

GOSAN_EXPORT ssize_t msgrcv(int q, void *m, size_t n, long type, int flags)
{
	ssize_t got = GOSAN_REAL(msgrcv)(q, m, n, type, flags);

	if (got < 0)
		return got;
	received(got + (ssize_t)sizeof(long), gosan_fd_number_key(MESSAGES, (uint64_t)q), m, GOSAN_CALLER);
	return got;
}

/* ---- what excludes ----
 *
 * Each call releases before it may wait, and acquires when it was let in: up and down are not told apart, since the
 * operations of one call may be both.
 */

GOSAN_EXPORT int semop(int set, struct sembuf *ops, size_t n)
{
	uint64_t key = publish(gosan_fd_number_key(SEMAPHORES, (uint64_t)set), GOSAN_CALLER);

	return taken(GOSAN_REAL(semop)(set, ops, n), key);
}

GOSAN_EXPORT int semtimedop(int set, struct sembuf *ops, size_t n, const struct timespec *t)
{
	uint64_t key = publish(gosan_fd_number_key(SEMAPHORES, (uint64_t)set), GOSAN_CALLER);

	return taken(GOSAN_REAL(semtimedop)(set, ops, n, t), key);
}

/* A value may be set while others wait for it. The argument is a union of the caller's, as wide as a pointer. */
GOSAN_EXPORT int semctl(int set, int i, int op, ...)
{
	va_list args;
	void *arg;

	va_start(args, op);
	arg = va_arg(args, void *);
	va_end(args);
	publish(gosan_fd_number_key(SEMAPHORES, (uint64_t)set), GOSAN_CALLER);
	return GOSAN_REAL(semctl)(set, i, op, arg);
}

/* The lock goes with the close of its descriptor, too: all file locks are one here, so that no key of a descriptor is
 * needed any more when it is closed. */
static bool files_locked;

GOSAN_EXPORT int flock(int fd, int op)
{
	uint64_t key = publish(gosan_fd_number_key(FILES, 0), GOSAN_CALLER);

	__atomic_store_n(&files_locked, true, __ATOMIC_RELAXED);
	return taken(GOSAN_REAL(flock)(fd, op), key);
}

void gosan_ipc_closing(void)
{
	if (__atomic_load_n(&files_locked, __ATOMIC_RELAXED))
		gosan_fd_release_key(gosan_fd_number_key(FILES, 0));
}
