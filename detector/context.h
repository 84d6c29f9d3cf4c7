/* SPDX-License-Identifier: Apache-2.0
 *
 * context.h: calling contexts and access places, each named by 32 bits.
 *
 * A context is a node of one global tree: (parent context, pc). Entering a function goes to a child, so a
 * goroutine carries its whole stack in one word, and a shadow cell can keep the stack of an access (calling
 * context trees: Ammons, Ball, Larus, PLDI 1997). Recursion is folded, as in that paper: a function that is
 * on the path GOSAN_CONTEXT_ROUNDS times already leads back to where it was entered last. So the tree stays
 * small, and a report shows the first rounds of a recursion and the innermost frames.
 * A place is a context plus the pc of the access plus the locks held there. Sets of locks are paths of
 * the same tree, below a root of their own.
 *
 * Context: any thread, lock-free; nodes are never removed. When memory is exhausted a caller gets the
 * parent back, and counters.stacks_lost counts it.
 */
#ifndef GOSAN_CONTEXT_H
#define GOSAN_CONTEXT_H

#include "access.h"
#include "engine.h"

#include <stddef.h>
#include <stdint.h>

struct gosan_context_node {
	uint64_t pc;
	uint32_t parent;
	uint32_t next;   /* in the hash chain */
	uint32_t target; /* where the call leads: the node itself, or an ancestor */
	uint32_t callee; /* which function was entered, by the low half of an address in it; 0: none */
	uint32_t stack;  /* the depot's id of its stack, once somebody asked; 0: not yet */
	uint32_t pad;
};
extern struct gosan_context_node *gosan_context_nodes;

int gosan_context_init(void);

/* Rows 2 .. n - 1 of a recorded tree, which keep their numbers; before any other node is made. */
struct gosan_trace_context;
int gosan_context_load(const struct gosan_trace_context *rows, uint32_t n);

/* The node last found for a hash: one probe answers the common look-up. 0: none. */
#define GOSAN_CONTEXT_BITS 16
extern uint32_t gosan_context_hints[1u << GOSAN_CONTEXT_BITS];
static inline uint64_t gosan_context_mix(uint32_t parent, uint64_t pc)
{
	return (pc ^ ((uint64_t)parent << 32) ^ parent) * UINT64_C(0x9e3779b97f4a7c15);
}
static inline uint32_t gosan_context_hash(uint32_t parent, uint64_t pc)
{
	return (uint32_t)(gosan_context_mix(parent, pc) >> (64 - GOSAN_CONTEXT_BITS));
}
uint32_t gosan_context_add(uint32_t parent, uint64_t pc, uint32_t callee, uint32_t hash);

/* Where a call of `callee` at pc leads from `parent`; `parent` itself when there is no room. */
static inline uint32_t gosan_context_call(uint32_t parent, uint64_t pc, uint32_t callee)
{
	uint32_t h = gosan_context_hash(parent, pc);
	uint32_t id = __atomic_load_n(&gosan_context_hints[h], __ATOMIC_ACQUIRE);
	const struct gosan_context_node *n = &gosan_context_nodes[id];

	if (__builtin_expect(id && n->pc == pc && n->parent == parent && n->callee == callee, 1))
		return n->target;
	return gosan_context_add(parent, pc, callee, h);
}
/* The leaf of `parent` for pc. */
static inline uint32_t gosan_context_child(uint32_t parent, uint64_t pc)
{
	return gosan_context_call(parent, pc, 0);
}

/* A function was entered; pc is its return address, callee an address in it. Only noted: most calls are over before
 * anybody asks where they were. */
void gosan_context_enter_slow(struct gosan_g *g, uint64_t pc, uintptr_t callee);
static inline __attribute__((always_inline)) void gosan_context_enter(struct gosan_g *g, uint64_t pc,
								      uintptr_t callee)
{
	struct gosan_frame *f = g->frame;

	if (__builtin_expect(f == g->frame_end, 0)) {
		gosan_context_enter_slow(g, pc, callee);
		return;
	}
	*f = (struct gosan_frame){pc, (uint32_t)callee, 0};
	g->frame = f + 1;
}

/* It was left. More exits than entries, as when hooks came alive in between, do nothing. */
void gosan_context_leave_slow(struct gosan_g *g);
static inline __attribute__((always_inline)) void gosan_context_leave(struct gosan_g *g)
{
	if (__builtin_expect(g->frame > g->frame_floor, 1))
		g->frame--;
	else
		gosan_context_leave_slow(g);
}

/* The calling context of g, which runs. */
uint32_t gosan_context_resolve(struct gosan_g *g);
static inline uint32_t gosan_context_now(struct gosan_g *g)
{
	const struct gosan_frame *f = g->frame;

	return f > g->frames && f[-1].ctx ? f[-1].ctx : gosan_context_resolve(g);
}
/* How many calls are under way, and back to that many (longjmp). */
size_t gosan_context_depth(const struct gosan_g *g);
void gosan_context_unwind(struct gosan_g *g, size_t depth);
/* to, which has no calls of its own, takes from's. */
void gosan_context_adopt(struct gosan_g *to, const struct gosan_g *from);
static inline uint32_t gosan_context_parent(uint32_t ctx)
{
	return gosan_context_nodes[ctx].parent;
}

/* The place of the last access of these flags, if it was at this pc and in this very call; 0: look it up. */
static inline __attribute__((always_inline)) uint32_t gosan_context_same_place(const struct gosan_g *g,
									       unsigned flags, uintptr_t pc)
{
	const struct gosan_last *l = &g->last[flags & GOSAN_WRITE];
	const struct gosan_frame *f = g->frame;

	return l->pc == pc && f > g->frames && f[-1].ctx == l->ctx ? l->place : 0;
}

/* The place of an access at pc by g, which runs. */
uint32_t gosan_context_place(struct gosan_g *g, uintptr_t pc);
/* g ended: what it remembered of places is given back, and a goroutine's calls are over. A thread keeps those: it runs
 * its destructors after its end. g runs on the calling thread, where the rest of its hooks may still come: they find
 * that nothing was called. */
void gosan_context_end(struct gosan_g *g);
/* Nobody is at g any more: its calls go. */
void gosan_context_drop(struct gosan_g *g);
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
