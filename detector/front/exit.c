/* SPDX-License-Identifier: Apache-2.0
 *
 * exit.c: every way out of a process passes here once: return from main and exit (on_exit, registered before
 * anybody else's, so it runs last), _exit and its kin, abort, exec, fatal signals, the time limit, a first
 * finding that halts. The run is judged, the stream gets its end line, and without the tool around it the
 * report is rendered and the exit status decided.
 *
 * A child made by vfork shares our memory and must leave no trace in it: its process id differs from the
 * one that we noted.
 */
#include "front.h"
#include "intercept.h"
#include "session.h"

#include "../options.h"
#include "../stream.h"
#include "../finding_hook.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int finisher; /* thread id; 0: nobody yet */
static bool finished;

/* The kernel's number: pthread_self is not to be trusted in a signal handler on a foreign stack. */
static int thread_id(void)
{
	return (int)syscall(SYS_gettid);
}

/* Another thread judges: this one would end the process under its feet. */
static void wait_for_finisher(void)
{
	const struct timespec pause = {0, 5000000};

	while (!__atomic_load_n(&finished, __ATOMIC_ACQUIRE))
		nanosleep(&pause, NULL);
}

/* The runtime ends the process by exit after a stall or a panic: it told before why. */
static enum gosan_end reason(enum gosan_end why)
{
	if (why != GOSAN_END_EXIT)
		return why;
	return gosan_front_stalled ? GOSAN_END_STALL : gosan_front_faulted ? GOSAN_END_CRASH : why;
}

/* What a forked child inherited is the parent's to judge: its leaks and contexts are no news. */
static void judge(enum gosan_end why)
{
	bool locked;

	if (!gosan_engine_inside()) {
		if (gosan_engine_lock_within(2000)) {
			gosan_engine_unlock();
			gosan_engine_end(gosan_session_forked() && why == GOSAN_END_EXIT ? GOSAN_END_CRASH
											 : why);
		}
	}
	locked = gosan_engine_lock_within(2000);
	if (why == GOSAN_END_TIMEOUT)
		gosan_stream_dump(why);
	if (locked)
		gosan_engine_unlock();
}

int gosan_exit_finish(enum gosan_end why, int status)
{
	int me = thread_id(), nobody = 0;

	if (!gosan_session_is_ours())
		return status;
	if (!__atomic_compare_exchange_n(&finisher, &nobody, me, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
		if (nobody != me)
			wait_for_finisher();
		return status;
	}
	gosan_ignore++;
	gosan_front_on = false;
	why = reason(why);
	judge(why);
	status = gosan_session_end(why, status);
	gosan_ignore--;
	__atomic_store_n(&finished, true, __ATOMIC_RELEASE);
	return status;
}

void gosan_exit_now(int status)
{
	for (;;)
		syscall(SYS_exit_group, status);
}

/* The last handler of exit: stdio has not been flushed yet, and will not be if the status has to change. */
static void at_exit(int status, void *unused)
{
	int changed;

	(void)unused;
	changed = gosan_exit_finish(GOSAN_END_EXIT, status);
	if (changed == status || !gosan_session_is_ours())
		return;
	fflush(NULL);
	gosan_exit_now(changed);
}

/* halt_on_error: the caller is an analyzer, under the engine lock; it never gets control back. When the first
 * finding is one of the end, that end is what goes on. */
static void halt(void)
{
	int nobody = 0, status = gosan_options.exitcode;

	if (finisher == thread_id())
		return;
	gosan_front_on = false;
	gosan_ignore++;
	gosan_engine_unlock();
	if (!__atomic_compare_exchange_n(&finisher, &nobody, thread_id(), false, __ATOMIC_ACQ_REL,
					 __ATOMIC_ACQUIRE))
		wait_for_finisher();
	else
		gosan_session_end(GOSAN_END_EXIT, status);
	gosan_exit_now(status);
}

/* A program that was forked starts with nobody at its end. */
void gosan_exit_forked(void)
{
	finisher = 0;
	finished = false;
}

void gosan_exit_init(void)
{
	on_exit(at_exit, NULL);
	if (gosan_options.halt_on_error)
		gosan_finding_halt = halt;
}

/* ---- the ways out ---- */

/* _exit flushes nothing and runs no handlers: neither do we, beyond the judgement. */
GOSAN_EXPORT void _exit(int status)
{
	gosan_exit_now(gosan_exit_finish(GOSAN_END_EXIT, status));
}

GOSAN_EXPORT void _Exit(int status)
{
	gosan_exit_now(gosan_exit_finish(GOSAN_END_EXIT, status));
}

GOSAN_EXPORT void quick_exit(int status)
{
	GOSAN_REAL(quick_exit)(gosan_exit_finish(GOSAN_END_EXIT, status));
	__builtin_unreachable();
}

/* The signal handler would do as well, unless the program has one of its own for SIGABRT. */
GOSAN_EXPORT void abort(void)
{
	gosan_exit_finish(GOSAN_END_CRASH, 128 + 6);
	GOSAN_REAL(abort)();
	__builtin_unreachable();
}
