/* SPDX-License-Identifier: Apache-2.0
 *
 * walk.h: a stack from one of its frames outward, by the rules of cfi.h. It takes some nanoseconds for each frame, no
 * lock and no system call, and reads nothing outside of the stack that it walks; so it needs to know where
 * that one ends, and refuses others.
 *
 * Context: on the stack that is walked, in any thread or signal handler.
 */
#ifndef GOSAN_WALK_H
#define GOSAN_WALK_H

#include <stddef.h>
#include <stdint.h>

/* A frame: where it stands in its code (a return address), and its registers there. */
struct gosan_walked {
	uintptr_t pc, sp, fp;
};

/* The frames from f outward into ret[0 .. max), f itself first; the return address to frame i > 0 lies in the word
 * below ret[i].sp. Returns how many, or -1 when the walk lost its way: then libunwind must be asked. */
int gosan_walk(struct gosan_walked f, struct gosan_walked *ret, size_t max);

/* This thread's own stack, told by whoever knows it (front/thread.c); goroutines' are in struct gosan_g. */
void gosan_walk_stack(uintptr_t lo, uintptr_t hi);
/* The main thread's: it grows down from hi, and the kernel keeps others away from it. */
void gosan_walk_main_stack(uintptr_t hi);

#endif
