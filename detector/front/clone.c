/* SPDX-License-Identifier: Apache-2.0
 *
 * clone.c: clone called by the program itself. With a copy of the memory it is a fork that libc's fork handlers don't
 * hear of: without us the child would wait for a lock of the detector that a thread held which exists no more.
 * With the memory shared it makes a thread, which is adopted at its first call.
 */
#include "front.h"
#include "intercept.h"

#include <sched.h>
#include <stdarg.h>
#include <sys/types.h>

/* On the caller's stack, of which the child has a copy. */
struct start {
	int (*fn)(void *);
	void *arg;
};

static int begin(void *arg)
{
	const struct start *s = arg;

	gosan_preload_forked(true);
	return s->fn(s->arg);
}

/* What follows arg is there only if the flags ask for it; what is read beyond is not used then. */
GOSAN_EXPORT int clone(int (*fn)(void *), void *stack, int flags, void *arg, ...)
{
	struct start s = {fn, arg};
	pid_t *parent_tid, *child_tid;
	void *tls;
	va_list more;
	int pid;

	va_start(more, arg);
	parent_tid = va_arg(more, pid_t *);
	tls = va_arg(more, void *);
	child_tid = va_arg(more, pid_t *);
	va_end(more);
	if (flags & CLONE_VM || !gosan_front_on || gosan_ignore || gosan_engine_inside())
		return GOSAN_REAL(clone)(fn, stack, flags, arg, parent_tid, tls, child_tid);
	gosan_preload_forking();
	pid = GOSAN_REAL(clone)(begin, stack, flags, &s, parent_tid, tls, child_tid);
	gosan_preload_forked(false);
	return pid;
}
