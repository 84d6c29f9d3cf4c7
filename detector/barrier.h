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

/* All of it is one 32-bit word: the tests of some versions declare 4 bytes for it, those of others 8. The arrivals of
 * all rounds are counted above the number of threads, so that a thread that is late to leave one round can't be taken
 * for one that came to the next. The tests have at most some hundred threads. */
enum {
	GOSAN_BARRIER_BITS = 10,
	GOSAN_BARRIER_COUNT = (1 << GOSAN_BARRIER_BITS) - 1,
};

static inline void gosan_barrier_init(void *p, unsigned count)
{
	__atomic_store_n((uint32_t *)p, (uint32_t)count & GOSAN_BARRIER_COUNT, __ATOMIC_SEQ_CST);
}

/* Returns when as many threads as `count` says have come to this round. */
static inline void gosan_barrier_wait(void *p)
{
	uint32_t *b = p, before = __atomic_fetch_add(b, 1u << GOSAN_BARRIER_BITS, __ATOMIC_SEQ_CST), now;
	uint32_t count = before & GOSAN_BARRIER_COUNT, me = before >> GOSAN_BARRIER_BITS;

	if (!count)
		return;
	if ((me + 1) % count == 0) {
		syscall(SYS_futex, b, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
		return;
	}
	while (((now = __atomic_load_n(b, __ATOMIC_SEQ_CST)) >> GOSAN_BARRIER_BITS) / count == me / count)
		syscall(SYS_futex, b, FUTEX_WAIT, now, NULL, NULL, 0);
}

#endif
