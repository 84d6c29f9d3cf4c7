/* SPDX-License-Identifier: Apache-2.0
 *
 * signal.c: signals as order (what was done before raise happens before what the receiver does), and the
 * signals that would end the program before anything was judged.
 *
 * The runtime says that a signal arrived, not who sent it; so all raisers share one object. The handlers for
 * fatal signals take the place of the default action only, and only in programs with something to check:
 * a program that asks for the present disposition must not be misled for nothing.
 */
#include "front.h"
#include "intercept.h"

#include "../depot.h"
#include "../module.h"

#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RAISED ((UINT64_C(1) << 63) | 2) /* no address of the program */

unsigned gosan_signal_raised;

static void order(enum gosan_op op, struct gosan_g *g)
{
	struct gosan_event ev = {.op = op, .g = g};

	ev.obj = gosan_engine_object_at((uintptr_t)RAISED, GOSAN_OBJ_OTHER);
	ev.stack = g == gosan_self ? gosan_unwind_here() : 0;
	gosan_engine_event(&ev);
}

void gosan_signal_received(struct gosan_g *sys)
{
	order(GOSAN_EV_HB_ACQUIRE, sys);
}

/* The runtime turns signals into receives, and handlers of instrumented programs acquire (handler.c): without them
 * nobody would. */
void gosan_signal_raising(void)
{
	int saved;

	if (!gosan_front_on || !(gosan_front_attached || gosan_module_any_instrumented()) ||
	    !gosan_front_enter(&saved))
		return;
	order(GOSAN_EV_HB_RELEASE, gosan_engine_self());
	__atomic_fetch_add(&gosan_signal_raised, 1, __ATOMIC_RELEASE);
	gosan_front_leave(saved);
}

GOSAN_EXPORT int raise(int sig)
{
	gosan_signal_raising();
	return GOSAN_REAL(raise)(sig);
}

GOSAN_EXPORT int kill(pid_t pid, int sig)
{
	if (pid == getpid() || pid <= 0)
		gosan_signal_raising();
	return GOSAN_REAL(kill)(pid, sig);
}

/* ---- the end by a signal ---- */

static const int fatal[] = {SIGSEGV, SIGBUS,  SIGFPE, SIGILL, SIGABRT, SIGTRAP,
			    SIGSYS,  SIGTERM, SIGINT, SIGHUP, SIGQUIT};

/* SIGQUIT asks a program that hangs where it stands: its threads are dumped, as at the time limit.
 * May be called by a handler of the program that we were the previous action for. After the return a fault
 * happens again and a signal that was sent is pending: now with the default action. */
static void on_fatal(int sig, siginfo_t *info, void *context)
{
	struct sigaction dfl;

	(void)context;
	gosan_exit_finish(sig == SIGQUIT ? GOSAN_END_TIMEOUT : GOSAN_END_CRASH, 128 + sig);
	memset(&dfl, 0, sizeof(dfl));
	dfl.sa_handler = SIG_DFL;
	sigaction(sig, &dfl, NULL);
	if (info->si_code <= 0 || sig == SIGTERM || sig == SIGINT || sig == SIGHUP || sig == SIGQUIT)
		syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), sig);
}

void gosan_signal_init(void)
{
	struct sigaction act, old;

	memset(&act, 0, sizeof(act));
	act.sa_sigaction = on_fatal;
	act.sa_flags = SA_SIGINFO | SA_ONSTACK;
	sigfillset(&act.sa_mask);
	for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++)
		if (GOSAN_REAL(sigaction)(fatal[i], NULL, &old) == 0 && !(old.sa_flags & SA_SIGINFO) &&
		    old.sa_handler == SIG_DFL)
			GOSAN_REAL(sigaction)(fatal[i], &act, NULL);
}

bool gosan_signal_is_ours(const struct sigaction *act)
{
	return act->sa_flags & SA_SIGINFO && act->sa_sigaction == on_fatal;
}
