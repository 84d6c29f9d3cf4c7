/* SPDX-License-Identifier: Apache-2.0
 *
 * lock.c: the slow path of the lock that protects the runtime's own structures.
 *
 * Critical sections are some tens of nanoseconds, so a contender spins. Only when the holder lost its
 * processor does that take long; then the contender gives way, and at last sleeps for growing times. Nobody
 * is ever woken: so releasing is a plain store, a third of the price of an atomic exchange that would have
 * to ask for sleepers, and channels pay it four times per round trip.
 *
 * There is no owner: a lock may be released by another thread than the one that took it, which go__park()
 * needs.
 */
#include "internal.h"
#include "sys.h"

#include <sched.h>

#define SPINS     200
#define YIELDS    20
#define SLEEP_MIN 20000   /* ns */
#define SLEEP_MAX 1000000 /* ns */

static bool try_lock(struct go_lock *l)
{
	uint32_t expected = 0;
	return atomic_load_explicit(&l->word, memory_order_relaxed) == 0 &&
	       atomic_compare_exchange_weak_explicit(&l->word, &expected, 1, memory_order_acquire,
						     memory_order_relaxed);
}

void go__lock_slow(struct go_lock *l)
{
	static _Atomic uint32_t nobody_wakes;
	for (int i = 0; i < SPINS; i++) {
		go__sys_pause();
		if (try_lock(l))
			return;
	}
	for (int i = 0; i < YIELDS; i++) {
		sched_yield();
		if (try_lock(l))
			return;
	}
	for (int64_t ns = SLEEP_MIN; !try_lock(l); ns = ns * 2 > SLEEP_MAX ? SLEEP_MAX : ns * 2)
		go__sys_futex_wait(&nobody_wakes, 0, ns);
}
