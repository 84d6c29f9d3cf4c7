/* SPDX-License-Identifier: Apache-2.0
 *
 * clock.h: vector clocks for very many goroutines. Knows chains (cid) and epochs; knows no policy.
 *
 * A clock maps a chain id to the highest epoch of that chain that happened before its owner. It is a
 * persistent radix trie with shared, reference-counted nodes, so that a copy is O(1) and a join skips
 * every subtree that both sides share (pruning by already known subtrees goes back to tree clocks, Mathur
 * et al., ASPLOS 2022). Two entries lie beside the trie: that of the goroutine whose clock it is or was,
 * and that of the last one it learned from. They are the ones that change with every event: a release
 * costs no node, all that a goroutine publishes between two acquisitions shares one root, and two that
 * only talk to each other never touch the trie.
 *
 * Context: a clock is protected by whoever owns it (README.md, "Contexts and locks"); two different clocks may
 * be used by two threads at once, also when they share nodes. gosan_clock_get on a goroutine's own clock needs no
 * lock on that goroutine: nobody else changes the clock of a goroutine that runs.
 * Memory comes from mem.h. Where there is none, a part of a clock becomes an upper bound that covers every moment
 * of its chains (UINT32_MAX): orders may be invented, which hides races; none is lost, which would be a false
 * alarm. Each time is counted in counters.clock_lost.
 */
#ifndef GOSAN_CLOCK_H
#define GOSAN_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define GOSAN_CID_BITS 21
#define GOSAN_CID_MAX  ((1u << GOSAN_CID_BITS) - 1)

struct gosan_node;

/* All-zero is the empty clock. Fields are clock.c's own. */
struct gosan_clock {
	struct gosan_node *root;
	/* Beside the trie: of different chains, never below what the trie says of them; epoch 0: none. */
	uint32_t cid, epoch;       /* the owner's */
	uint32_t other_cid, other; /* of whom it learned last */
};

/* One moment of one chain. Event at stamp s happens before a holder of clock c iff
 * gosan_clock_get(c, s.cid) >= s.epoch. epoch 0 is "never". */
struct gosan_stamp {
	uint32_t cid;
	uint32_t epoch;
};

/* cid's entry becomes the owner's; the former owner is whom the clock learned from last. epoch must not be below the
 * clock's entry for cid. */
void gosan_clock_own(struct gosan_clock *c, uint32_t cid, uint32_t epoch);
/* The entry for cid becomes epoch if it is less. */
void gosan_clock_raise(struct gosan_clock *c, uint32_t cid, uint32_t epoch);
/* Put what lies beside the trie, but for the owner's entry, into it: copies that are taken now and owned by others
 * then share the trie. */
void gosan_clock_settle(struct gosan_clock *c);
/* What the trie says of cid. */
uint32_t gosan_clock_look_up(const struct gosan_node *root, uint32_t cid);
void gosan_clock_set(struct gosan_clock *c, uint32_t cid, uint32_t epoch);
void gosan_clock_join(struct gosan_clock *dst, const struct gosan_clock *src);
/* The same, where dst is known to cover `known`: what src shares with that is skipped. */
void gosan_clock_join_since(struct gosan_clock *dst, const struct gosan_clock *src,
			    const struct gosan_clock *known);
/* dst refers to src's trie, and no longer to its own. */
void gosan_clock_share(struct gosan_clock *dst, const struct gosan_clock *src);
void gosan_clock_clear(struct gosan_clock *c);
/* It covers everything from now on: what it should have learned can't be kept. */
void gosan_clock_fill(struct gosan_clock *c);
/* fn(cid, epoch) for each entry of c; from the second clock of a pass on without those that an earlier one shared. All
 * clocks stand still. Passes are numbered from gosan_clock_next_pass(the one before). */
typedef void gosan_clock_fn(uint32_t cid, uint32_t epoch, void *arg);
void gosan_clock_each(const struct gosan_clock *c, uint32_t pass, gosan_clock_fn *fn, void *arg);
uint32_t gosan_clock_next_pass(uint32_t pass);
/* Around fork, as gosan_mem_fork. */
void gosan_clock_fork(bool before);

static inline bool gosan_clock_empty(const struct gosan_clock *c)
{
	return !c->root && !c->epoch; /* no `other` without an owner */
}

/* Without a lock on a running goroutine's own clock: its nodes are changed by itself only, and those that it
 * shares are never changed. */
static inline uint32_t gosan_clock_get(const struct gosan_clock *c, uint32_t cid)
{
	if (cid == c->cid && c->epoch)
		return c->epoch;
	if (cid == c->other_cid && c->other)
		return c->other;
	return c->root ? gosan_clock_look_up(c->root, cid) : 0;
}

/* dst is released first; dst == src is allowed. O(1), and no count is touched where both share their trie already. */
static inline void gosan_clock_copy(struct gosan_clock *dst, const struct gosan_clock *src)
{
	if (dst->root != src->root)
		gosan_clock_share(dst, src);
	dst->cid = src->cid;
	dst->epoch = src->epoch;
	dst->other_cid = src->other_cid;
	dst->other = src->other;
}

/* Equal at a glance: false says nothing. */
static inline bool gosan_clock_same(const struct gosan_clock *a, const struct gosan_clock *b)
{
	return a->root == b->root && a->cid == b->cid && a->epoch == b->epoch &&
	       a->other_cid == b->other_cid && a->other == b->other;
}

static inline bool gosan_clock_covers(const struct gosan_clock *c, struct gosan_stamp s)
{
	return s.epoch == 0 || gosan_clock_get(c, s.cid) >= s.epoch;
}

#endif
