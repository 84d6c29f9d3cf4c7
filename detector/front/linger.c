/* SPDX-License-Identifier: Apache-2.0
 *
 * linger.c: when main returns, the goroutines and threads that can still run get a moment before the run is judged.
 *
 * Whether one that was just started gets to its first line before main returns is luck, and what it would do there
 * (the Add that comes too late, a read of the loop variable) is the finding. So main waits, as if it had been a little
 * slower: until every goroutine has ended or is parked, and every thread has ended or sleeps, LINGER_NS at most. What
 * computes for ever, or spins, is left behind as it would be without us.
 *
 * The books know when a goroutine waits. A thread may wait in any system call, so it is the kernel that is asked; as a
 * thread may sleep for an instant on its way (a contended lock), it must be found at rest QUIET times in a row.
 *
 * main has returned, but the others may hold pointers into its frame (in Go the variables would live on
 * the heap). Its bytes stay as main left them: nothing of ours runs in the GAP below our caller's frame.
 */
#include "front.h"
#include "intercept.h"
#include "pthread.h"
#include "session.h"

#include <alloca.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define LINGER_NS (100 * 1000000L)
#define POLL_NS   100000L
#define QUIET     3
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

static bool goroutine_runs(void)
{
	bool found = false;

	gosan_engine_lock();
	for (const struct gosan_g *g = gosan_engine_all(); g && !found; g = g->next)
		found = can_run(g);
	gosan_engine_unlock();
	return found;
}

/* What the kernel says of a task: the letter after the name in parentheses, which may have any in it. 0: it is gone. */
static char state_of(pid_t tid)
{
	char path[64], text[512];
	const char *name_end;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = syscall(SYS_read, fd, text, sizeof(text) - 1);
	syscall(SYS_close, fd);
	text[n > 0 ? n : 0] = '\0';
	name_end = strrchr(text, ')');
	return name_end && name_end[1] ? name_end[2] : 0;
}

static bool can_run_thread(struct gosan_thread *t, void *unused)
{
	char state;

	(void)unused;
	if (t->ended || t == gosan_pthread_me)
		return false;
	state = state_of(t->tid);
	return state == 'R' || state == 'D';
}

static bool anybody_runs(void)
{
	return __atomic_load_n(&gosan_thread_unborn, __ATOMIC_ACQUIRE) ||
	       (gosan_front_attached && goroutine_runs()) || gosan_thread_each(can_run_thread, NULL);
}

static long now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000L + t.tv_nsec;
}

/* On main's thread. False: somebody did not come to rest in time. */
static bool come_to_rest(void)
{
	const struct timespec pause = {0, POLL_NS};
	long start = now_ns();

	for (int quiet = 0; quiet < QUIET; nanosleep(&pause, NULL)) {
		quiet = anybody_runs() ? 0 : quiet + 1;
		if (now_ns() - start > LINGER_NS)
			return false;
	}
	return true;
}

/* main's processor is given away. Who does not come to rest in time may never give one back, so the process ends from
 * here. */
static intptr_t without_processor(void *status)
{
	if (!come_to_rest())
		exit(*(int *)status);
	return 0;
}

static bool worth_it(void)
{
	return gosan_front_on && !gosan_front_faulted && !gosan_front_stalled && !gosan_session_forked() &&
	       gosan_self && (gosan_self->id == 1 || gosan_self->is_thread) && anybody_runs();
}

static void linger(int status)
{
	intptr_t (*blocking)(intptr_t(*)(void *), void *);

	if (!worth_it())
		return;
	*(void **)&blocking = dlsym(RTLD_DEFAULT, "go_blocking");
	if (blocking && gosan_front_attached)
		blocking(without_processor, &status);
	else
		come_to_rest();
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
