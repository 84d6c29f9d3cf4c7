/* SPDX-License-Identifier: Apache-2.0
 *
 * signal.c: signals as channel messages, the dump on SIGQUIT, and a name for stack overflows.
 *
 * A handler only counts and wakes the poller, which sends: a signal never takes a lock of the runtime.
 */
#include "chan.h"
#include "scheduler.h"
#include "sys.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ALT_STACK ((size_t)64 << 10)
#define SIGNALS   65

struct listener {
	struct listener *next;
	struct go_chan_of *ch;
	bool wanted[SIGNALS];
};

static struct {
	struct go_lock lock;
	struct listener *first;
	_Atomic uint32_t pending[SIGNALS];
	_Atomic bool any;
	_Atomic bool dump_wanted;
	struct sigaction old_segv;
} signals;

/* ---- go_notify ---- */

/* In signal context, on any thread, at any instruction. */
static void on_notified(int sig)
{
	atomic_fetch_add(&signals.pending[sig], 1);
	atomic_store(&signals.any, true);
	go__netpoll_kick();
}

/* One delivery at a time, between the probes that say that the system acts. */
static void send_to_all(int sig)
{
	go__lock(&signals.lock);
	for (struct listener *l = signals.first; l != NULL; l = l->next) {
		if (!l->wanted[sig])
			continue;
		GO_PROBE(system_begin, NULL);
		go__chan_try_send(l->ch, &sig);
		GO_PROBE(system_end);
	}
	go__unlock(&signals.lock);
}

/* By the poller. As many messages as signals, as far as they have room. */
void go__signal_deliver(void)
{
	if (GO_UNLIKELY(atomic_load(&signals.dump_wanted))) {
		go__dump_all(STDERR_FILENO, NULL, NULL);
		_exit(2);
	}
	if (!atomic_load(&signals.any))
		return;
	atomic_store(&signals.any, false);
	for (int sig = 1; sig < SIGNALS; sig++)
		for (uint32_t n = atomic_exchange(&signals.pending[sig], 0); n > 0; n--)
			send_to_all(sig);
}

/* The handlers stay: a signal that nobody listens to any more is dropped, as it was while somebody did. */
static void channel_freed(void *arg)
{
	struct listener *gone = arg, **at = &signals.first;
	go__lock(&signals.lock);
	while (*at != gone)
		at = &(*at)->next;
	*at = gone->next;
	go__unlock(&signals.lock);
	go__free(gone, sizeof(*gone));
	atomic_fetch_sub(&go__sched.notifies, 1);
}

/* Under the lock. One record per channel, which goes with it. */
static struct listener *listener_of(struct go_chan_of *ch)
{
	struct listener *l;
	for (l = signals.first; l != NULL; l = l->next)
		if (l->ch == ch)
			return l;
	l = go__alloc(sizeof(*l));
	if (l == NULL)
		return NULL;
	l->ch = ch;
	l->next = signals.first;
	signals.first = l;
	go__chan_on_free(ch, channel_freed, l);
	atomic_fetch_add(&go__sched.notifies, 1);
	return l;
}

static int want(struct listener *l, int sig)
{
	struct sigaction action = {.sa_handler = on_notified, .sa_flags = SA_RESTART | SA_ONSTACK};
	if (sig < 1 || sig >= SIGNALS)
		return -EINVAL;
	sigemptyset(&action.sa_mask);
	if (sigaction(sig, &action, NULL) != 0)
		return -errno;
	l->wanted[sig] = true;
	return 0;
}

/* An error leaves what was registered before it in place. */
int go_notify(go_chan(int) chan, int sig, ...)
{
	struct go_chan_of *ch = GO_HANDLE_(chan);
	va_list list;
	int err = 0;
	go__self();
	if (ch == NULL)
		return -EINVAL;
	GO_PROBE(notify, &ch->obj);
	go__lock(&signals.lock);
	struct listener *l = listener_of(ch);
	va_start(list, sig);
	for (; l != NULL && sig != 0 && err == 0; sig = va_arg(list, int))
		err = want(l, sig);
	va_end(list);
	go__unlock(&signals.lock);
	go__poller_need(true);
	return l == NULL ? -ENOMEM : err;
}

/* ---- SIGQUIT ---- */

/* The poller prints, where everything may be called. Without one, the handler must do it itself, and an
 * alarm ends the process should it hang in the middle of the program's malloc. */
static void on_alarm(int sig)
{
	(void)sig;
	_exit(2);
}

/* Printing may hang: the signal may have interrupted the very lock that printing needs. */
static void die_soon(void)
{
	struct sigaction action = {.sa_handler = on_alarm};
	sigset_t set;
	sigemptyset(&action.sa_mask);
	sigaction(SIGALRM, &action, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	alarm(5);
}

static void on_quit(int sig, siginfo_t *info, void *context)
{
	struct go_m *m = go__m();
	(void)info;
	go__print(STDERR_FILENO, "SIGQUIT: quit\n\n");
	(void)sig;
	die_soon();
	if (atomic_load(&go__sched.poller) != NULL) {
		atomic_store(&signals.dump_wanted, true);
		go__netpoll_kick();
		return;
	}
	go__dump_all(STDERR_FILENO, m == NULL ? NULL : m->g, context);
	_exit(2);
}

/* ---- stack overflow ---- */

/* g->stack is NULL for main and bound goroutines, whose overflow is the system's business. */
static bool in_guard(const struct go_g *g, const void *addr)
{
	const char *a = addr, *lo = g->stack;
	return lo != NULL && a >= lo && a < lo + go__stack_guard();
}

/* No stdio and no allocation: this runs in the handler. */
static void name_of(const struct go_g *g, char *buf, size_t size)
{
	const char *name = g->info.name[0] != '\0' ? g->info.name : g->info.fn_name;
	size_t i = 0;
	for (; name != NULL && name[i] != '\0' && i + 1 < size; i++)
		buf[i] = name[i];
	buf[i] = '\0';
}

/* On the alternate stack. The others are frozen, for their next dump would interleave with this one. */
static _Noreturn void overflow(struct go_g *g, const void *context)
{
	char name[32];
	name_of(g, name, sizeof(name));
	go__freeze();
	die_soon();
	GO_PROBE(fault, GO_FAULT_STACK_OVERFLOW, NULL, "stack overflow");
	go__print(STDERR_FILENO, "fatal error: goroutine %llu (%s): stack overflow\n\n",
		  (unsigned long long)g->info.id, name);
	go__dump_one(STDERR_FILENO, g, context);
	_exit(2);
}

/* Faults that are not ours go where they would have gone. */
static void pass_on(int sig, siginfo_t *info, void *context)
{
	const struct sigaction *old = &signals.old_segv;
	if (old->sa_flags & SA_SIGINFO) {
		old->sa_sigaction(sig, info, context);
	} else if (old->sa_handler != SIG_DFL && old->sa_handler != SIG_IGN) {
		old->sa_handler(sig);
	} else {
		struct sigaction action = {.sa_handler = SIG_DFL};
		sigaction(SIGSEGV, &action, NULL);
		if (info->si_code <= 0) /* sent by somebody: it won't come again by itself */
			raise(SIGSEGV);
	}
}

static void on_fault(int sig, siginfo_t *info, void *context)
{
	struct go_m *m = go__m();
	if (m != NULL && m->g != NULL && info->si_code > 0 && in_guard(m->g, info->si_addr))
		overflow(m->g, context);
	pass_on(sig, info, context);
}

/* A thread that has one already keeps it: it belongs to the program or to a sanitizer. */
void go__signal_stack(struct go_m *m)
{
	stack_t old;
	if (m->bound || (sigaltstack(NULL, &old) == 0 && !(old.ss_flags & SS_DISABLE)))
		return;
	m->altstack = go__sys_map(ALT_STACK, true);
	stack_t alt = {.ss_sp = m->altstack, .ss_size = ALT_STACK};
	if (m->altstack != NULL)
		sigaltstack(&alt, NULL);
}

/* SIGQUIT only when nobody wanted it. SIGSEGV always: what isn't a stack overflow is passed on. */
void go__signal_start(void)
{
	struct sigaction fault = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
	struct sigaction quit = {.sa_sigaction = on_quit, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
	struct sigaction old;
	sigemptyset(&fault.sa_mask);
	sigemptyset(&quit.sa_mask);
	sigaction(SIGSEGV, &fault, &signals.old_segv);
	if (sigaction(SIGQUIT, NULL, &old) == 0 && !(old.sa_flags & SA_SIGINFO) && old.sa_handler == SIG_DFL)
		sigaction(SIGQUIT, &quit, NULL);
}
