/* SPDX-License-Identifier: Apache-2.0
 *
 * context.h: calling contexts and access places, each named by 32 bits.
 *
 * A context is a node of one global tree: (parent context, pc). Entering a function goes to a child,
 * leaving it to the parent, so a goroutine carries its whole stack in one word, and a shadow cell can
 * keep the stack of an access exactly (calling context trees: Ammons, Ball, Larus, PLDI 1997).
 * A place is a context plus the pc of the access plus the locks held there. Sets of locks are paths of
 * the same tree, below a root of their own.
 *
 * Context: any thread, lock-free; nodes are never removed. When memory is exhausted a caller gets the
 * parent back, and counters.stacks_lost counts it.
 */
#ifndef GOSAN_CONTEXT_H
#define GOSAN_CONTEXT_H

#include "engine.h"

#include <stddef.h>
#include <stdint.h>

struct gosan_context_node {
	uint64_t pc;
	uint32_t parent;
	uint32_t next; /* in the hash chain */
};
extern struct gosan_context_node *gosan_context_nodes;

int gosan_context_init(void);
/* The child of `parent` for `pc`; `parent` itself when there is no room. */
uint32_t gosan_context_child(uint32_t parent, uint64_t pc);
static inline uint32_t gosan_context_parent(uint32_t ctx)
{
	return gosan_context_nodes[ctx].parent;
}

/* The place of an access at pc by g, which runs. */
uint32_t gosan_context_place(const struct gosan_g *g, uintptr_t pc);
/* Depot id of the stack of a place or a context, innermost first. */
uint32_t gosan_context_stack(uint32_t place);
/* Program counter of the access of a place. */
uintptr_t gosan_context_pc(uint32_t place);
/* Locks held at a place: object and stack ids of at most `max`, in order of acquisition. Returns n. */
struct gosan_context_lock {
	uint32_t obj, stack;
};
size_t gosan_context_locks(uint32_t place, struct gosan_context_lock *ret, size_t max);

#endif
