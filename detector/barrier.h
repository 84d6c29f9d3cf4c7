/* SPDX-License-Identifier: Apache-2.0
 *
 * barrier.h: the barrier of ThreadSanitizer's own tests (__tsan_testonly_barrier_*): it orders threads in time and
 * leaves no trace in the happens-before relation. It must do so with and without gosan, hence here, for both
 * the library and the stub.
 */
#ifndef GOSAN_BARRIER_H
#define GOSAN_BARRIER_H

#include <limits.h>
#include <linux/futex.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* As it lies in the program's 8 bytes. Arrivals are counted over all rounds, so that a thread that is late to leave
 * one round can't be taken for one that came to the next. */
struct gosan_barrier {
	uint32_t arrived, count;
};

static inline void gosan_barrier_init(void *p, unsigned count)
{
	*(volatile struct gosan_barrier *)p = (struct gosan_barrier){0, count};
}

/* Returns when as many threads as `count` says have come to this round. */
static inline void gosan_barrier_wait(void *p)
{
	struct gosan_barrier *b = p;
	uint32_t me = __atomic_fetch_add(&b->arrived, 1, __ATOMIC_SEQ_CST), round, now;

	if (!b->count)
		return;
	round = me / b->count;
	if ((me + 1) % b->count == 0) {
		syscall(SYS_futex, &b->arrived, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
		return;
	}
	while ((now = __atomic_load_n(&b->arrived, __ATOMIC_SEQ_CST)) / b->count == round)
		syscall(SYS_futex, &b->arrived, FUTEX_WAIT, now, NULL, NULL, 0);
}

#endif
