/* SPDX-License-Identifier: Apache-2.0
 *
 * parts.h: what actor.h's goroutine is made of: held locks, waits, edges, calls. Knows no policy; who writes which part
 * is said in actor.h.
 */
#ifndef GOSAN_PARTS_H
#define GOSAN_PARTS_H

#include "clock.h"
#include "hot/hot.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gosan_g;
struct gosan_obj;

#define GOSAN_HELD_MAX  4096 /* held locks beyond are counted in held_lost */
#define GOSAN_EDGES_MAX 4
#define GOSAN_WAIT_MAX  16
#define GOSAN_LEFT_MAX  4
#define GOSAN_SOURCES   4
#define GOSAN_KNOWN     4

/* chain.c: a goroutine's stay on a chain, with the epochs first .. end. */
struct gosan_tenant {
	struct gosan_g *g;
	struct gosan_tenant *before;  /* on the same chain */
	struct gosan_tenant *earlier; /* the same goroutine, on the chain that it left at epoch `left` */
	uint32_t cid, first, left;
	uint32_t end; /* UINT32_MAX: it is still there */
};

/* A lock that a goroutine holds. */
struct gosan_held {
	struct gosan_obj *obj;
	int mode;       /* enum go_lock_mode */
	uint32_t stack; /* of the acquisition */
	struct gosan_stamp at;
};

/* An event that brought knowledge of another goroutine. */
struct gosan_edge {
	const struct gosan_g *from;
	struct gosan_stamp known; /* what was known of it afterwards */
	int op;                   /* enum gosan_op */
	uint32_t stack;
};

/* One thing that could wake it. */
struct gosan_wait_on {
	struct gosan_obj *obj;
	int op; /* enum go_wait_op */
};

/* What a parked goroutine waits for. Before its G_PARK event the goroutine itself fills n, on and truncated
 * (nobody reads them while why is 0); the engine sets the rest, and clears why at G_READY. */
struct gosan_wait {
	int why; /* enum go_wait; 0: it runs or is runnable */
	uint32_t stack;
	struct gosan_stamp at;
	uint64_t since_ns; /* CLOCK_MONOTONIC */
	size_t n;          /* how many on[] are valid; more than GOSAN_WAIT_MAX: truncated set */
	bool truncated;
	bool timed;               /* it ends by itself */
	struct gosan_g *joins;    /* GOSAN_WAIT_JOIN: whose end it waits for; NULL: unknown */
	struct gosan_obj *relock; /* a condition's wait: the mutex that it takes again when it is woken */
	struct gosan_wait_on *on; /* [GOSAN_WAIT_MAX] */
};

/* A call under way. ctx: where it leads in the tree of contexts, 0 until somebody asked. */
struct gosan_frame {
	uint64_t pc;
	uint32_t callee, ctx;
};
_Static_assert(sizeof(struct gosan_frame) == sizeof(struct gosan_hot_frame), "hot.h");

/* The place (context.h) of the last access at a pc, while no lock is taken or given back. pc 0: none. */
struct gosan_last {
	uint64_t pc;
	uint32_t ctx, place;
};

/* What became of the two cells of a granule when an access of all of it, with this segment and these flags, met them
 * (range.c). want 0: nothing is known. */
struct gosan_outcome {
	uint32_t want;
	uint64_t was, now;
};

/* A lock that a goroutine gave back, and how many events the engine had seen by then. */
struct gosan_left {
	const struct gosan_obj *lock;
	uint64_t tick;
};

/* A moment of another chain from which a goroutine knows what it knows (hb.c). */
struct gosan_source {
	uint32_t cid, epoch;
	uint32_t learned; /* <= epoch: the last time before it that this chain learned something */
	bool weak;        /* also in the weak order */
};

/* What only the living need: given back at the end of a goroutine, so that a million dead ones stay affordable. */
struct gosan_life {
	struct gosan_edge edges[GOSAN_EDGES_MAX];
	struct gosan_source sources[GOSAN_SOURCES];
	struct gosan_left left[GOSAN_LEFT_MAX];
	struct gosan_wait_on on[GOSAN_WAIT_MAX];
};

#endif
