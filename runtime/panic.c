/* SPDX-License-Identifier: Apache-2.0
 *
 * panic.c: the ways a program ends badly: panics, misuse, deadlock. Messages are worded as Go's.
 *
 * The watcher hears first, then everybody else is stopped at their next scheduling point, then the message
 * is printed and the process exits with status 2 by exit(), so that buffered output isn't lost. Whoever
 * panics again meanwhile, or parks in an exit handler, ends the process at once.
 */
#include "scheduler.h"
#include "sys.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MESSAGE 512

static struct go_m *_Atomic panicking;

/* Others that panic at the same time wait for the exit of the first. */
static void begin(void)
{
	static struct go_m unknown;
	struct go_m *m = go__m() != NULL ? go__m() : &unknown, *none = NULL;
	if (!atomic_compare_exchange_strong(&panicking, &none, m)) {
		if (none == m)
			_exit(2);
		for (;;)
			pause();
	}
}

void go__freeze(void)
{
	atomic_store(&go__sched.frozen, true);
}

/* An M that should stop for the panic is the one that panics: it is in an exit handler. */
void go__freeze_check(struct go_m *m)
{
	if (atomic_load(&panicking) == m)
		_exit(2);
}

/* The dying goroutine comes first, then, where Go prints them, all others. */
static _Noreturn void die(const char *prefix, const char *message, bool all)
{
	struct go_m *m = go__m();
	struct go_g *g = m == NULL ? NULL : m->g;
	go__freeze();
	go__print(STDERR_FILENO, "%s%s\n\n", prefix, message);
	if (all)
		go__dump_all(STDERR_FILENO, g, NULL);
	else if (g != NULL)
		go__dump_one(STDERR_FILENO, g, NULL);
	exit(2);
}

static const char *prefix_of(enum go_fault what)
{
	switch (what) {
	case GO_FAULT_UNLOCK_OF_UNLOCKED:
	case GO_FAULT_COND_UNLOCKED:
	case GO_FAULT_STACK_OVERFLOW:
		return "fatal error: ";
	case GO_FAULT_SEND_ON_CLOSED:
	case GO_FAULT_CLOSE_OF_CLOSED:
	case GO_FAULT_CLOSE_OF_NIL:
	case GO_FAULT_WG_NEGATIVE:
	case GO_FAULT_WG_REUSE:
	case GO_FAULT_PANIC:
		break;
	}
	return "panic: ";
}

void go__fault(enum go_fault what, struct go_object *obj, const char *fmt, ...)
{
	char message[MESSAGE];
	va_list args;
	begin();
	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	GO_PROBE(fault, what, obj, message);
	die(prefix_of(what), message, false);
}

void go_panic(const char *fmt, ...)
{
	char message[MESSAGE];
	va_list args;
	go__self();
	begin();
	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	GO_PROBE(fault, GO_FAULT_PANIC, NULL, message);
	die("panic: ", message, true);
}

/* The runtime itself can't go on: out of memory, mostly. There is no fault to report to the watcher. */
void go__fatal(const char *fmt, ...)
{
	char message[MESSAGE];
	va_list args;
	begin();
	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	die("fatal error: ", message, false);
}

/* The state is broken: no dump, no exit handlers. */
void go__assert_failed(const char *cond, const char *file, int line)
{
	go__print(STDERR_FILENO, "goroutine runtime: %s:%d: assertion '%s' failed\n", file, line, cond);
	abort();
}

/* ---- deadlock ---- */

/* No lock is held: the watcher walks its own structures, and the dump walks all goroutines. */
static _Noreturn void stalled(void)
{
	begin();
	go__freeze();
	GO_PROBE(stalled);
	if (go__sched.main_exited && go_count() == 0)
		die("fatal error: ", "no goroutines (main called runtime.Goexit) - deadlock!", true);
	die("fatal error: ", "all goroutines are asleep - deadlock!", true);
}

/* Threads that we don't know may still call in and end the standstill: then look again from time to time
 * (the poller does). */
static bool strangers(void)
{
	struct go_sched *s = &go__sched;
	int known = (int)(s->threads + s->bound_parked + go_probe_threads), n = go__sys_threads();
	bool may_help = n < 0 || n > known;
	if (may_help && !atomic_exchange(&s->recheck, true) && atomic_load(&s->poller) != NULL)
		go__netpoll_kick();
	return may_help;
}

/* Why the conditions are enough is said in sched.c. */
void go__stall_check(void)
{
	struct go_sched *s = &go__sched;
	if (s->running_p > 0 || s->outside > 0 || s->q_first != NULL || atomic_load(&s->frozen))
		return;
	if (go__timer_count() > 0 || atomic_load(&s->io_waiters) > 0 || atomic_load(&s->notifies) > 0)
		return;
	if (strangers())
		return;
	go__unlock(&s->lock);
	stalled();
}
