/* SPDX-License-Identifier: Apache-2.0
 *
 * actor.h: who acts: a goroutine, a thread, or the system on one thread; what it holds, waits for and knows. Knows
 * nothing of objects but that they exist. Fields are grouped by who keeps them; all are written under the engine
 * lock unless a group says otherwise.
 */
#ifndef GOSAN_ACTOR_H
#define GOSAN_ACTOR_H

#include "parts.h"
#include "hot/hot.h"

struct gosan_places;

/* A thread that uses semaphores as locks holds few at a time; one that only takes forgets the oldest. */
#define GOSAN_TOKENS 4

/* A goroutine, a foreign thread, or the system on one thread. Its clocks are released at its end; it stays as long as
 * anything names it (reap.c), for reports name the dead. */
struct gosan_g {
	/* HOT: what a memory hook looks at, in one cache line; programs know it as struct gosan_hot */
	union {
		uint32_t cell;     /* shadow.h: the strongest cell of this moment, GOSAN_CELL_NONE: nothing */
		uint64_t cells[2]; /* what hooks compare a granule's cells with; gosan_g_cell writes it */
	};
	uint64_t writes[2];                 /* GOSAN_G_WRITES */
	uintptr_t shadow_mask, shadow_base; /* gosan_shadow_mask and _base, where a hook finds them at once */
	struct gosan_frame *frame, *frame_end,
		*frame_floor; /* its calls (context.h); frame: one past the last */
	uint64_t n_access;    /* accesses seen; the access layer adds them up at the end */
	/* ADMIN */
	struct gosan_g *next;                    /* all goroutines, newest first: gosan_engine_all() */
	struct gosan_g *next_alive, *prev_alive; /* those whose end was not seen: gosan_engine_alive() */
	uint64_t id;                             /* goroutine id, or 0 for threads and the system */
	uint32_t no;                             /* 1, 2, ... in the order of birth; 0: nobody's */
	uint32_t visits; /* recorder.c: how often it came to a thread; written by itself */
	uint32_t tid;    /* thread ordinal for threads, 0 for goroutines */
	bool is_thread, is_system, ended;
	bool is_fiber; /* a context that threads switch to (front/fiber.c): is_thread, but no thread to join */
	bool detached, joined; /* a thread: it was detached (also by its attribute), its join returned */
	bool gone;   /* a goroutine or fiber that ended: no thread is at it any more; the front end says so */
	bool buried; /* its G_END was seen */
	uint8_t kept; /* reap.c: somebody names it; so many of its ancestors are kept, too */
	/* HAPPENS-BEFORE: written by itself, or on its behalf while parked, under the engine lock; on the short way
	 * (lockpath.h) and by atomics by itself under clock_bit instead. So others who want to read its clocks
	 * need both (gosan_hb_known_by).
	 * An event has the stamp (cid, epoch) that its goroutine had when it began. A release publishes the
	 * clock with that epoch in it and then advances the epoch: whoever acquires it covers this event and
	 * all before, and none after. The entry of a goroutine's own chain in its own clocks is always its
	 * current epoch, so its own events always count as ordered. */
	uint32_t cid;
	uint32_t epoch;                 /* its own current epoch, >= 1 */
	uint32_t busy_epoch;            /* of its last event but G_END, G_READY */
	uint32_t access_epoch;          /* the access layer stores epoch here when it remembers an access */
	struct gosan_tenant *tenancy;   /* the latest; NULL: none */
	struct gosan_tenant tenant;     /* the first: few have more */
	struct gosan_edge *edges;       /* [GOSAN_EDGES_MAX]: the last ones, as a ring */
	uint32_t n_edges;               /* ever written */
	uint32_t learned, learned_weak; /* epoch in which it last acquired something (hb.c) */
	struct gosan_clock strong;      /* all edges */
	struct gosan_clock weak;        /* without lock edges: schedule-independent order */
	struct gosan_source *sources;   /* [GOSAN_SOURCES] */
	uint32_t
		n_sources; /* all that its clocks know but itself comes from these; more than there is room for: unknown */
	uint32_t weak_moves; /* how often weak learned something or was published */
	struct gosan_obj *tokens
		[GOSAN_TOKENS]; /* of semaphores: those that it took last and did not post; NULL: free */
	char clock_bit;
	struct gosan_life *life; /* edges, sources, left and wait.on lie there */
	/* BLOCKING. held is written by itself, with or without the engine lock, and replaced under it: whoever has the
	 * lock can read any goroutine's, each word of it whole. An entry of a write lock counts while obj->owner is
	 * this goroutine, one for reading while obj->crossed is not set. */
	struct gosan_wait wait;
	size_t n_held;
	struct gosan_held *held; /* in order of acquisition; NULL when it never held one */
	size_t held_room;
	uint32_t held_moves;             /* how often an entry came or went */
	struct gosan_left *left;         /* locks that it gave back, one place for each */
	uint32_t asked_obj, asked_stack; /* goroutine.c: the lock that it asked for last, and where */
	void *paths;                     /* lockpath.c: what it has done before */
	uint64_t n_events;               /* on the short way; added to the counter now and then */
	/* EXPOSITION */
	char name[32];
	const char *fn_name;
	struct gosan_g *parent;
	uint32_t created_stack;
	uint32_t last_stack; /* stack of its last synchronisation event */
	uintptr_t stack_lo, stack_hi;
	/* ANALYZERS: one private word (analyze/waits.c), NULL at birth */
	void *waits;
	/* MEMORY ACCESSES: owned by the access layer, touched by the running goroutine only */
	struct gosan_frame *frames;         /* the first one */
	struct gosan_frame first_frames[6]; /* until it calls deeper */
	uint32_t frames_over;               /* calls above frames_end, which are only counted */
	uint32_t set_stack, set; /* context.c: the lock set of one lock, that it was asked for last */
	const struct gosan_obj *set_of;
	uint32_t larger_set, set_moves; /* that of several, and held_moves at that time */
	struct gosan_last last[2];      /* of reads, of writes */
	struct gosan_places
		*places; /* context.c: those that a thread found last, once it missed many times */
	uint32_t place_misses;
	/* A segment that its present moment comes after, met last by a read, by a write; 0: none is known. */
	uint32_t ordered[2];
	struct gosan_outcome outcome[2]; /* of accesses, of frees: of their last ranges */
	/* What its strong clock says of these chains, or said once; by cid. */
	struct gosan_stamp known[GOSAN_KNOWN];
	/* floor.c: what it will know when its join returns was counted on; it acts while it waits. */
	bool floor_relied, floor_astray;
	bool in_shadow;               /* shadow.c is at work for it */
	uint8_t seg_left;             /* segment.c: numbers of seg_group that are still to be used */
	uint8_t seg_taken;            /* how many it took so far, up to a limit */
	uint32_t seg_group, seg_next; /* seg_next: of its own page of numbers; 0: it has none */
	uint32_t free_cell;           /* as cell, for frees */
	void *access;
	/* What the program wants ignored while > 0 (enum gosan_ignored). */
	uint16_t ignored[3];
	bool was_deaf; /* it has ignored order at some time: what it holds, it may not know */
} __attribute__((aligned(16)));

enum gosan_ignored { GOSAN_IGNORED_READS, GOSAN_IGNORED_WRITES, GOSAN_IGNORED_ORDER };

/* Low bits of g->cell (shadow.h). No cell of the shadow equals it: segment 0 is nobody's. */
#define GOSAN_CELL_NONE 0x3ffu

/* See hot/hot.h. */
#define GOSAN_G_CELLS(cell) \
	{ \
		(uint64_t)(cell) << 32 | (cell), UINT64_MAX \
	}
#define GOSAN_G_WRITES \
	{ \
		(uint64_t) GOSAN_HOT_WRITE << 32 | GOSAN_HOT_WRITE, 0 \
	}

/* Both halves in one store: a signal handler may look in between. */
static inline void gosan_g_cell(struct gosan_g *g, uint32_t cell)
{
	__atomic_store_n(&g->cells[0], (uint64_t)cell << 32 | cell, __ATOMIC_RELAXED);
}

/* Segments that it knows something of may be others' now. */
static inline void gosan_g_forgot(struct gosan_g *g)
{
	g->ordered[0] = g->ordered[1] = 0;
	g->outcome[0].want = g->outcome[1].want = 0;
}

/* Whoever changes cid or epoch says so: what g remembered before is of another moment. */
static inline void gosan_g_moved_on(struct gosan_g *g)
{
	gosan_g_cell(g, GOSAN_CELL_NONE);
	g->free_cell = GOSAN_CELL_NONE;
	gosan_g_forgot(g);
}

/* A zeroed goroutine with its life, or NULL when there is no memory; and back. Their memory serves goroutines only, so
 * that a stale pointer, which nobody should have, leads to one. Under the engine lock, all of these. */
struct gosan_g *gosan_actor_new(void);
void gosan_actor_free(struct gosan_g *g);
/* The goroutine that begins at this address; NULL: it is no address of one, or not of one that can be freed. */
struct gosan_g *gosan_actor_at(uintptr_t word);
/* All of them lie in so many bytes from there. */
size_t gosan_actor_span(uintptr_t *ret_first);
/* It gets its number, and comes into the lists of all and of the living. */
void gosan_actor_born(struct gosan_g *g);
/* It ended: the second time, which is a front end's mistake, nothing happens, and the answer is false. */
bool gosan_actor_bury(struct gosan_g *g);
/* False when there is no memory. */
bool gosan_actor_give_life(struct gosan_g *g);
void gosan_actor_take_life(struct gosan_g *g);

#endif
