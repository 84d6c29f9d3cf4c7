/* SPDX-License-Identifier: Apache-2.0
 *
 * gate.h: ordering that the detector cannot see.
 *
 * A case forces which goroutine comes first, and the detector must reach the same verdict as if it had
 * not been forced. So a gate is a plain int that only functions without instrumentation touch, and waiting
 * for one is go_yield(), which is no synchronisation event. No gate is a fixed sleep: each waits for the
 * thing itself, and gives up loudly after GATE_SECONDS.
 *
 * Define GATE_THREADS before the include in a program without the goroutine runtime.
 */
#ifndef GATE_H
#define GATE_H

#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifndef GATE_THREADS
#include <goroutine.h>
#endif

#define GATE_SECONDS 20
#define GATE_FN      __attribute__((noinline, unused, no_sanitize("thread"))) static

#ifdef __aarch64__
#define GATE_BARRIER() __asm__ volatile("dmb ish" ::: "memory")
#else
#define GATE_BARRIER() __asm__ volatile("" ::: "memory")
#endif

/* A gate that should have opened long ago: the case is broken, not the program under test. */
GATE_FN void gate_give_up(const char *what)
{
	syscall(SYS_write, 2, "gate: never opened: ", 20);
	syscall(SYS_write, 2, what, strlen(what));
	syscall(SYS_write, 2, "\n", 1);
	syscall(SYS_exit_group, 3);
}

/* Let others run: first other goroutines, then, when that did not help, other threads. */
GATE_FN void gate_pause(int round)
{
	struct timespec us100 = {0, 100000};
#ifndef GATE_THREADS
	go_yield();
#endif
	if (round > 50)
		syscall(SYS_nanosleep, &us100, NULL);
	if (round > GATE_SECONDS * 10000)
		gate_give_up("gate_wait");
}

GATE_FN void gate_open(volatile int *gate)
{
	GATE_BARRIER();
	*gate = 1;
	GATE_BARRIER();
}

GATE_FN void gate_wait(volatile int *gate)
{
	for (int round = 0; !*gate; round++)
		gate_pause(round);
	GATE_BARRIER();
}

#ifdef GATE_THREADS
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>

/* A thread that others will want to see blocked says who it is. */
GATE_FN void gate_here(volatile int *tid)
{
	GATE_BARRIER();
	*tid = (int)syscall(SYS_gettid);
}

/* "/proc/self/task/<tid>/syscall" without printf, which might lock. */
GATE_FN int gate_open_task(int tid)
{
	static const char head[] = "/proc/self/task/", tail[] = "/syscall";
	char path[64], digits[16];
	size_t n = sizeof digits, at = sizeof head - 1;

	for (digits[--n] = 0; tid; tid /= 10)
		digits[--n] = (char)('0' + tid % 10);
	memcpy(path, head, at);
	memcpy(path + at, digits + n, sizeof digits - n);
	memcpy(path + at + sizeof digits - n - 1, tail, sizeof tail);
	return (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
}

/* The address of the futex on which the thread sleeps, 0 when it does not. */
GATE_FN uintptr_t gate_futex(int tid)
{
	char text[256], *rest;
	int fd = gate_open_task(tid);
	long n = fd < 0 ? -1 : syscall(SYS_read, fd, text, sizeof text - 1);

	if (fd >= 0)
		syscall(SYS_close, fd);
	if (n <= 0)
		return 0;
	text[n] = 0;
	return strtol(text, &rest, 10) == SYS_futex && *rest == ' ' ? strtoul(rest, NULL, 16) : 0;
}

/* Wait until thread *tid sleeps in an object of the libc: a mutex, a condition, a semaphore, .. */
GATE_FN void gate_blocked(volatile int *tid, const volatile void *object, size_t size)
{
	for (int round = 0;; round++) {
		uintptr_t at = *tid ? gate_futex(*tid) : 0;

		if (at >= (uintptr_t)object && at < (uintptr_t)object + size)
			return;
		gate_pause(51);
		if (round > GATE_SECONDS * 1000)
			gate_give_up("gate_blocked");
	}
}

/* Wait until thread *tid is gone. */
GATE_FN void gate_gone(volatile int *tid)
{
	for (int round = 0;; round++) {
		int fd = *tid ? gate_open_task(*tid) : 0;

		if (fd < 0)
			return;
		if (fd > 0)
			syscall(SYS_close, fd);
		gate_pause(51);
		if (round > GATE_SECONDS * 1000)
			gate_give_up("gate_gone");
	}
}
#endif

#ifndef GATE_THREADS
/* How many goroutines does go_dump() show in this state ("chan receive", "sync.Mutex.Lock", ...)? */
GATE_FN int gate_count(const char *state)
{
	static char text[65536];
	int n = 0, fd = (int)syscall(SYS_memfd_create, "gate", 0);
	go_dump(fd);
	ssize_t len = syscall(SYS_pread64, fd, text, sizeof text - 1, 0);
	syscall(SYS_close, fd);
	size_t want = strlen(state);
	for (ssize_t i = 0; i + (ssize_t)want < len; i++) {
		size_t same = 0;
		while (text[i] == '[' && same < want && text[i + 1 + (ssize_t)same] == state[same])
			same++;
		n += same == want;
	}
	return n;
}

/* Wait until n goroutines are parked in this state: the only way to know that a peer is in a wait, and
 * not just before it. One goroutine at a time. */
GATE_FN void gate_parked(const char *state, int n)
{
	for (int round = 0; gate_count(state) < n; round++) {
		gate_pause(51);
		if (round > GATE_SECONDS * 1000)
			gate_give_up(state);
	}
}
#endif

#endif
