/* SPDX-License-Identifier: Apache-2.0
 *
 * lock.c: the lock that protects the runtime's own structures (U. Drepper, "Futexes Are Tricky", mutex 3).
 *
 * Critical sections are some tens of nanoseconds, so a contender spins first; it sleeps only when the
 * holder lost its processor. There is no fairness and no owner: a lock may be released by another thread
 * than the one that took it, which go__park() needs.
 */
#include "internal.h"
#include "sys.h"

#define SPINS 200

void go__lock_slow(struct go_lock *l)
{
	for (int i = 0; i < SPINS; i++) {
		uint32_t expected = 0;
		go__sys_pause();
		if (atomic_load_explicit(&l->word, memory_order_relaxed) == 0 &&
		    atomic_compare_exchange_weak_explicit(&l->word, &expected, 1, memory_order_acquire,
							  memory_order_relaxed))
			return;
	}
	/* From here on the word says 2, also when we get it: we can't know whether others sleep. */
	while (atomic_exchange_explicit(&l->word, 2, memory_order_acquire) != 0)
		go__sys_futex_wait(&l->word, 2, -1);
}

void go__unlock_slow(struct go_lock *l)
{
	go__sys_futex_wake(&l->word, 1);
}
