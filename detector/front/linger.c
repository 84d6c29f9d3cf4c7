/* SPDX-License-Identifier: Apache-2.0
 *
 * linger.c: when main returns, the goroutines that can still run get a moment before the run is judged.
 *
 * Whether a goroutine that was just started gets to its first line before main returns is luck, and what it
 * would do there (the Add that comes too late, a read of the loop variable) is the finding. So main waits,
 * as if it had been a little slower: until every goroutine has ended or is parked, LINGER_NS at most. What
 * computes for ever, or spins, is left behind as it would be without us.
 *
 * main has returned, but the goroutines may hold pointers into its frame (in Go the variables would live on
 * the heap). Its bytes stay as main left them: nothing of ours runs in the GAP below our caller's frame.
 */
#include "front.h"
#include "intercept.h"
#include "session.h"

#include <alloca.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

#define LINGER_NS (100 * 1000000L)
#define POLL_NS   100000L
#define GAP       ((size_t)256 * 1024)

typedef int main_fn(int, char **, char **);
typedef int start_fn(main_fn *, int, char **, void (*)(void), void (*)(void), void (*)(void), void *);

static main_fn *program_main;
/* Read at run time, so that the compiler cannot merge the gap into the frame: it must come after the call. */
static volatile size_t gap = GAP;

static bool can_run(const struct gosan_g *g)
{
	return !g->is_thread && !g->is_system && !g->ended && g->id > 1 && g->wait.why == 0;
}

static bool anybody_runs(void)
{
	bool found = false;

	gosan_engine_lock();
	for (const struct gosan_g *g = gosan_engine_all(); g && !found; g = g->next)
		found = can_run(g);
	gosan_engine_unlock();
	return found;
}

static long now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000L + t.tv_nsec;
}

/* On main's thread, its processor given away. Who does not come to rest in time may never give a processor
 * back, so the process ends from here. */
static intptr_t wait_for_rest(void *status)
{
	const struct timespec pause = {0, POLL_NS};
	long start = now_ns();

	while (anybody_runs()) {
		if (now_ns() - start > LINGER_NS)
			exit(*(int *)status);
		nanosleep(&pause, NULL);
	}
	return 0;
}

static bool worth_it(void)
{
	return gosan_front_on && gosan_front_attached && !gosan_front_faulted && !gosan_front_stalled &&
	       !gosan_session_forked() && gosan_self && gosan_self->id == 1 && anybody_runs();
}

static void linger(int status)
{
	intptr_t (*blocking)(intptr_t(*)(void *), void *);

	*(void **)&blocking = dlsym(RTLD_DEFAULT, "go_blocking");
	if (blocking && worth_it())
		blocking(wait_for_rest, &status);
}

static int watched_main(int argc, char **argv, char **envp)
{
	int status = program_main(argc, argv, envp);
	void *unused = alloca(gap);

	__asm__ volatile("" : : "r"(unused) : "memory");
	linger(status);
	return status;
}

/* How main's return reaches exit inside libc cannot be interposed; how main is called can. */
GOSAN_EXPORT int __libc_start_main(main_fn *program, int argc, char **argv, void (*init)(void),
				   void (*fini)(void), void (*rtld_fini)(void), void *stack_end);
int __libc_start_main(main_fn *program, int argc, char **argv, void (*init)(void), void (*fini)(void),
		      void (*rtld_fini)(void), void *stack_end)
{
	start_fn *start;

	*(void **)&start = dlsym(RTLD_NEXT, "__libc_start_main");
	program_main = program;
	return start(watched_main, argc, argv, init, fini, rtld_fini, stack_end);
}
