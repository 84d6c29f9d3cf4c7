/* SPDX-License-Identifier: Apache-2.0
 *
 * record.h: one lock that a thread holds, as the thread notes it for itself, and who may tell the engine of it.
 *
 * A record is born by its thread when the lock was taken, and dies by it when the lock is given back. Two others touch
 * it in between, both under the table's lock (thread.c): who unlocks the lock in its owner's place marks it `gone`;
 * who destroys it, or unlocks it, tells of it in the owner's name, because the finding names the acquisition.
 */
#ifndef GOSAN_RECORD_H
#define GOSAN_RECORD_H

#include <stdbool.h>
#include <stdint.h>

/* Who tells of a record is decided by told: the thread itself, or another one in its name, which sees it under the
 * table's lock. While it is being told it stays where it is, and who needs it told waits. */
#define GOSAN_TELLING 1
#define GOSAN_TOLD    2

/* A lock that a thread holds. Written by its thread only, but `gone` and `told`. `how` writes
 * the fields beside it at once; 64 bytes, so that the place of one is a shift. */
struct gosan_record {
	uintptr_t addr, pc, sp; /* of the lock; of the call that took it */
	uintptr_t ra, cfa;      /* where the function that called returns to, and its sp then; 0: not known */
	union {
		struct {
			uint32_t stack;      /* 0: not captured yet */
			unsigned char kind;  /* enum gosan_obj_kind */
			unsigned char mode;  /* of the acquisition */
			unsigned char flags; /* of the object */
			unsigned char told;  /* 0, GOSAN_TELLING, GOSAN_TOLD: the engine knows */
		};
		uint64_t how;
	};
	bool gone; /* another thread unlocked it: set by that one */
	char unused[15];
};
_Static_assert(sizeof(struct gosan_record) == 64, "a power of two");

/* May the caller tell of r? */
static inline bool gosan_pthread_claim(struct gosan_record *r)
{
	unsigned char untold = 0;

	return __atomic_compare_exchange_n(&r->told, &untold, GOSAN_TELLING, false, __ATOMIC_ACQ_REL,
					   __ATOMIC_ACQUIRE);
}

/* It has, unless the record has become another one. */
static inline void gosan_pthread_claimed(struct gosan_record *r)
{
	unsigned char telling = GOSAN_TELLING;

	__atomic_compare_exchange_n(&r->told, &telling, GOSAN_TOLD, false, __ATOMIC_ACQ_REL,
				    __ATOMIC_RELAXED);
}

#endif
