/* SPDX-License-Identifier: Apache-2.0
 *
 * noise.h: other schedules of threads, by pauses that a seed chooses. Knows threads, and nothing of what they do.
 */
#ifndef GOSAN_NOISE_H
#define GOSAN_NOISE_H

#include <stdbool.h>

/* There is a seed, and its pauses are not used up. */
extern bool gosan_noise_on;
void gosan_noise_meet(void);

/* At start. seed: 0 for no noise. */
void gosan_noise_init(int seed);
/* Once where a thread was made, by its maker, and once where it begins: outside of all locks. */
void gosan_noise_birth(void);
/* Before a call on a lock, a condition, a semaphore ... of the calling thread. */
static inline void gosan_noise_call(void)
{
	if (__builtin_expect(__atomic_load_n(&gosan_noise_on, __ATOMIC_RELAXED), 0))
		gosan_noise_meet();
}

#endif
