/* SPDX-License-Identifier: Apache-2.0
 *
 * launch.c: fork, exec, wait. Signals are taken synchronously (sigtimedwait), so there is no handler and no
 * race between a signal and the wait.
 *
 * The library stops a hung program by itself, because only from inside can it say who waits for whom. The
 * tool steps in only when that fails: a program that blocks all signals, or a library that was never
 * loaded.
 */
#include "launch.h"

#include "tool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* The library stops the program at its timeout; one that is still there so much later cannot be helped. */
#define GRACE_SECONDS 5

#define STATUS_TIMEOUT 124  /* the library's, without findings */
#define ROUNDS_MAX     1000 /* generations of processes, and milliseconds for each */

/* Passed on to the program, as if it stood in our place. */
static const int passed_on[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};

static pid_t tool_pid;

/* Ours first in LD_PRELOAD: its interposers must be the outermost ones. What the user preloads stays. */
static void set_environment(const struct launch *l)
{
	const char *old = getenv("LD_PRELOAD");
	char *list = NULL;

	if (asprintf(&list, "%s%s%s", l->preload, old && *old ? ":" : "", old ? old : "") < 0)
		_exit(70);
	setenv("LD_PRELOAD", list, 1);
	setenv("GOSAN_OUT", l->out, 1);
	/* Tells the library that this is no time limit for drivers, and a gosan inside to hand its streams on. */
	unsetenv("GOSAN_OUTER");
	if (l->gate)
		setenv("GOSAN_GATE", "1", 1);
	else
		unsetenv("GOSAN_GATE");
	if (*l->options)
		setenv("GOSAN_OPTIONS", l->options, 1);
}

/* Between fork and exec of a single-threaded process everything is allowed. The signal mask is that from
 * before: a blocked SIGTERM would be inherited for ever. An exec that fails is told through the pipe,
 * which an exec that succeeds closes. */
static _Noreturn void child(const struct launch *l, const sigset_t *mask, int report_fd)
{
	/* A tool that is killed leaves no hung test behind. Children of the program don't inherit this. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() != tool_pid)
		_exit(71);
	set_environment(l);
	sigprocmask(SIG_SETMASK, mask, NULL);
	execv(l->path, l->argv);
	int error = errno;
	if (write(report_fd, &error, sizeof error) < 0)
		_exit(71);
	_exit(127);
}

/* Monotonic: a clock that is set must not end a run. */
static time_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

/* One process in /proc: 0, or its parent's number. The name may contain blanks and brackets, so the last one counts. */
static pid_t parent_of(const char *pid)
{
	char path[64], line[512], *end;
	ssize_t n = -1;
	int fd, parent = 0;

	snprintf(path, sizeof path, "/proc/%.20s/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, line, sizeof line - 1);
		close(fd);
	}
	if (n <= 0)
		return 0;
	line[n] = 0;
	end = strrchr(line, ')');
	return end && sscanf(end, ") %*c %d", &parent) == 1 ? parent : 0;
}

static unsigned kill_children(void)
{
	DIR *proc = opendir("/proc");
	unsigned killed = 0;

	for (struct dirent *e; proc && (e = readdir(proc)) != NULL;)
		if (e->d_name[0] >= '1' && e->d_name[0] <= '9' && parent_of(e->d_name) == tool_pid)
			killed += kill((pid_t)atoi(e->d_name), SIGKILL) == 0;
	if (proc)
		closedir(proc);
	return killed;
}

/* A program that hung leaves processes behind that would have ended with it: the rest of a pipe, a server that it
 * started. As their reaper we are the parent of each whose own parent died, so rounds of killing our children reach
 * all of them, and nobody else. Bounded, for one may be stuck in the kernel. */
static void end_descendants(void)
{
	for (int round = 0; round < ROUNDS_MAX && kill_children() > 0; round++) {
		for (int i = 0; i < ROUNDS_MAX && waitpid(-1, NULL, WNOHANG) == 0; i++)
			usleep(1000);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
}

/* Did the time limit end it, by the library's hand or by ours? */
static bool timed_out(const struct launch *l, time_t started)
{
	return l->timeout && now() - started >= l->timeout &&
	       (l->killed || l->status == STATUS_TIMEOUT || l->status == TOOL_FINDINGS);
}

/* The shell's convention, which is also what scripts around us expect. */
static int decode(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* si_code <= 0 marks a signal that somebody sent (kill, sigqueue): the program did not get that one.
 * Ctrl-C comes from the terminal (SI_KERNEL) to the whole foreground group, and forwarding would double
 * it. The second in the wait bounds the delay of a timeout, not that of an end: SIGCHLD wakes at once. */
static void wait_for(struct launch *l, const sigset_t *signals)
{
	time_t started = now(), end = l->timeout ? started + l->timeout + GRACE_SECONDS : 0, ticked = started;
	int status;

	for (;;) {
		struct timespec second = {1, 0};
		siginfo_t info;

		if (waitpid(l->pid, &status, WNOHANG) == l->pid)
			break;
		int sig = sigtimedwait(signals, &info, &second);
		if (sig > 0 && sig != SIGCHLD && info.si_code <= 0)
			kill(l->pid, sig);
		if (l->tick && now() != ticked) {
			ticked = now();
			l->tick(l->arg);
		}
		if (end && now() >= end && !l->killed) {
			kill(l->pid, SIGKILL);
			l->killed = true;
		}
	}
	l->status = decode(status);
	if (timed_out(l, started))
		end_descendants();
}

/* Signals are blocked before the fork, so that none is lost between it and the wait. */
int launch_run(struct launch *l)
{
	sigset_t signals, before;
	int report[2], error = 0;

	if (pipe2(report, O_CLOEXEC) != 0)
		return -errno;
	tool_pid = getpid();
	if (l->timeout)
		prctl(PR_SET_CHILD_SUBREAPER, 1);
	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	for (size_t i = 0; i < sizeof passed_on / sizeof *passed_on; i++)
		sigaddset(&signals, passed_on[i]);
	sigprocmask(SIG_BLOCK, &signals, &before);
	fflush(NULL);
	l->pid = fork();
	if (l->pid == 0)
		child(l, &before, report[1]);
	close(report[1]);
	if (l->pid < 0)
		error = errno;
	else if (read(report[0], &error, sizeof error) != (ssize_t)sizeof error)
		error = 0;
	close(report[0]);
	if (l->pid > 0)
		wait_for(l, &signals);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return -error;
}
