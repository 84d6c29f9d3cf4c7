/* SPDX-License-Identifier: Apache-2.0
 *
 * handler.c: handlers of signals that the program installs. What was done before the installation, and before the signal
 * was caused, comes before what the handler does.
 *
 * In a program with accesses to check, ours stands between: it acquires and calls the program's. What the program
 * asks for, it is told its own. The table is written only for functions: a child of vfork, which shares our memory,
 * may set handlers back but installs none.
 */
#include "front.h"
#include "intercept.h"

#include "../depot.h"
#include "../module.h"
#include "../recorder.h"

#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

typedef void handler_fn(int, siginfo_t *, void *);

bool gosan_signal_handlers;

/* The program's handler of each signal, and whether it asked for the information. */
static struct {
	handler_fn *fn;
	int flags;
} handlers[NSIG];

/* What raisers and installers released. A handler that interrupts a hook has to go without what is new to its thread,
 * and is counted. */
static void acquire(void)
{
	static __thread unsigned seen;
	unsigned now = __atomic_load_n(&gosan_signal_raised, __ATOMIC_ACQUIRE);
	int saved;

	if (seen == now || !gosan_front_on)
		return;
	if (!gosan_front_enter(&saved)) {
		GOSAN_COUNT(lost);
		return;
	}
	gosan_signal_received(gosan_engine_self());
	gosan_front_leave(saved);
	seen = now;
}

/* A handler that comes within a part that the program wants ignored is no part of it. One that leaves by longjmp ends
 * that part, too: what closes it later does nothing. */
static void on_signal(int sig, siginfo_t *info, void *context)
{
	handler_fn *fn = __atomic_load_n(&handlers[sig].fn, __ATOMIC_ACQUIRE);
	struct gosan_g *g = gosan_self;
	bool deaf = g && g->ignored[GOSAN_IGNORED_ORDER] != 0;
	__typeof__(g->ignored) ignored;

	if (g) {
		memcpy(ignored, g->ignored, sizeof(ignored));
		memset(g->ignored, 0, sizeof(ignored));
	}
	if (deaf)
		GOSAN_RECORD(gosan_recorder_gone(g, GOSAN_TRACE_GONE_BACK));
	acquire();
	fn(sig, info, context);
	if (g)
		memcpy(g->ignored, ignored, sizeof(ignored));
	if (deaf)
		GOSAN_RECORD(gosan_recorder_gone(g, GOSAN_TRACE_GONE_DEAF));
}

static bool is_function(const struct sigaction *act)
{
	return act->sa_flags & SA_SIGINFO || (act->sa_handler != SIG_DFL && act->sa_handler != SIG_IGN);
}

/* The runtime's handlers are no code of the program. */
static bool stands_between(const struct sigaction *act, uintptr_t pc)
{
	return gosan_front_on && gosan_module_any_instrumented() && is_function(act) &&
	       !gosan_intercept_is_runtime(pc);
}

/* What the program is told: its own handler, and for the action that judges the run the default. */
static void translate(int sig, struct sigaction *old)
{
	if (gosan_signal_is_ours(old)) {
		memset(old, 0, sizeof(*old));
		old->sa_handler = SIG_DFL;
	} else if (old->sa_flags & SA_SIGINFO && old->sa_sigaction == on_signal) {
		old->sa_sigaction = handlers[sig].fn;
		old->sa_flags = (old->sa_flags & ~SA_SIGINFO) | (handlers[sig].flags & SA_SIGINFO);
	}
}

static int install(int sig, const struct sigaction *act, struct sigaction *old, uintptr_t pc)
{
	struct sigaction before, ours;
	int rc;

	gosan_signal_handlers |= gosan_front_on && is_function(act);
	if (sig <= 0 || sig >= NSIG || !stands_between(act, pc)) {
		rc = GOSAN_REAL(sigaction)(sig, act, &before);
	} else {
		gosan_signal_raising();
		ours = *act;
		ours.sa_sigaction = on_signal;
		ours.sa_flags |= SA_SIGINFO;
		rc = GOSAN_REAL(sigaction)(sig, NULL, &before);
		if (rc == 0)
			translate(sig, &before);
		handlers[sig].flags = act->sa_flags;
		__atomic_store_n(&handlers[sig].fn, act->sa_sigaction, __ATOMIC_RELEASE);
		rc = rc ? rc : GOSAN_REAL(sigaction)(sig, &ours, NULL);
	}
	if (rc == 0)
		translate(sig, &before);
	if (rc == 0 && old)
		*old = before;
	return rc;
}

GOSAN_EXPORT int sigaction(int sig, const struct sigaction *act, struct sigaction *old)
{
	int rc;

	if (act)
		return install(sig, act, old, GOSAN_CALLER);
	rc = GOSAN_REAL(sigaction)(sig, NULL, old);
	if (rc == 0 && old)
		translate(sig, old);
	return rc;
}

/* Where ours stands between, as the libc's own: restarts calls, blocks the signal itself, is not reset. */
GOSAN_EXPORT sighandler_t signal(int sig, sighandler_t handler)
{
	struct sigaction act, old;

	memset(&act, 0, sizeof(act));
	memset(&old, 0, sizeof(old));
	act.sa_handler = handler;
	act.sa_flags = SA_RESTART;
	sigemptyset(&act.sa_mask);
	if (handler != SIG_ERR && sig > 0 && sig < NSIG && stands_between(&act, GOSAN_CALLER)) {
		sigaddset(&act.sa_mask, sig);
		return install(sig, &act, &old, GOSAN_CALLER) == 0 ? old.sa_handler : SIG_ERR;
	}
	gosan_signal_handlers |= gosan_front_on && handler != SIG_ERR && is_function(&act);
	GOSAN_REAL(sigaction)(sig, NULL, &old);
	translate(sig, &old);
	return GOSAN_REAL(signal)(sig, handler) == SIG_ERR ? SIG_ERR : old.sa_handler;
}

/* Causes of signals that come later. */
GOSAN_EXPORT int setitimer(__itimer_which_t which, const struct itimerval *restrict new,
			   struct itimerval *restrict old)
{
	gosan_signal_raising();
	return GOSAN_REAL(setitimer)(which, new, old);
}

GOSAN_EXPORT int timer_settime(timer_t timer, int flags, const struct itimerspec *restrict new,
			       struct itimerspec *restrict old)
{
	gosan_signal_raising();
	return GOSAN_REAL(timer_settime)(timer, flags, new, old);
}

GOSAN_EXPORT unsigned alarm(unsigned seconds)
{
	gosan_signal_raising();
	return GOSAN_REAL(alarm)(seconds);
}
