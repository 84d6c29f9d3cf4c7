/* SPDX-License-Identifier: Apache-2.0
 *
 * support.c: what LLVM's tests expect of the runtime beside the hooks: a barrier that the detector cannot see.
 * It is compiled without -fsanitize=thread, and waits by the bare system call, which is nobody's interposer.
 */
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The word of a barrier: the arrivals of all rounds in the high bits, the number of threads in the low ten. */
enum { COUNT_BITS = 10, COUNT_MASK = (1 << COUNT_BITS) - 1, ARRIVAL = 1 << COUNT_BITS };

void __tsan_testonly_barrier_init(unsigned *barrier, unsigned count);
void __tsan_testonly_barrier_wait(unsigned *barrier);
unsigned long __tsan_testonly_shadow_stack_current_size(void);

void __tsan_testonly_barrier_init(unsigned *barrier, unsigned count)
{
	__atomic_store_n(barrier, count & COUNT_MASK, __ATOMIC_RELAXED);
}

static unsigned round_of(unsigned word)
{
	return (word >> COUNT_BITS) / (word & COUNT_MASK);
}

void __tsan_testonly_barrier_wait(unsigned *barrier)
{
	unsigned before = __atomic_fetch_add(barrier, ARRIVAL, __ATOMIC_RELAXED);

	if (round_of(before + ARRIVAL) != round_of(before)) {
		syscall(SYS_futex, barrier, FUTEX_WAKE, INT_MAX, 0, 0, 0);
		return;
	}
	for (;;) {
		unsigned now = __atomic_load_n(barrier, __ATOMIC_RELAXED);

		if (round_of(now) != round_of(before))
			return;
		syscall(SYS_futex, barrier, FUTEX_WAIT, now, 0, 0, 0);
	}
}

/* Not a thing that this detector tells: the tests that ask for it print it and no more. */
unsigned long __tsan_testonly_shadow_stack_current_size(void)
{
	return 0;
}
