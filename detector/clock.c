/* SPDX-License-Identifier: Apache-2.0
 *
 * clock.c: the persistent radix trie behind a vector clock.
 *
 *   level 2            [ 16 kids ]                 a node of level k covers 32 * 16^k chains; the root
 *                     /          \                 is only as high as the largest cid needs, so that a
 *   level 1     [ 16 kids ]   [ 16 kids ]          program of 32 goroutines has clocks of one leaf
 *               /    |                 \
 *   level 0  [32]   [32]              [32]         epochs
 *
 * Invariants
 *  - A node with refs > 1 never changes. A node with refs == 1 may be changed by the clock that reaches it
 *    through nodes with refs == 1 only. Copying a node adds a reference to each kid, which keeps that rule
 *    without a flag. Counts are atomic, so the rule also holds between threads: a new reference is only ever
 *    made from one that its maker holds, so a count of 1 that the holder reads stays 1.
 *  - The entries beside the trie are never below what the trie says of the same chains, so the trie's need not
 *    be looked at; there they may be old.
 *  - Epochs only grow: of two nodes for the same chains, one that covers the other may replace it. A join
 *    that ends up with its source's contents adopts the source's node and drops its own ("unification"), so
 *    that goroutines which know the same end up sharing memory and the next join of the two is one pointer
 *    comparison. Without it joins between many goroutines degrade to full walks.
 *  - A kid is lower than its parent by exactly one level.
 */
#include <sched.h>
#include <string.h>

#include "engine.h"
#include "mem.h"
#include "clock.h"

#define LEAF_BITS 5
#define KID_BITS  4
#define LEAF      (1u << LEAF_BITS)
#define KIDS      (1u << KID_BITS)

struct gosan_node {
	uint32_t refs;
	uint8_t level;
	uint8_t mark[3]; /* the pass of gosan_clock_each that saw it last */
	union {
		uint32_t epoch[LEAF];
		struct gosan_node *kid[KIDS];
	};
};

/* Index of cid's kid in an inner node of this level. */
static unsigned kid_index(uint32_t cid, uint32_t level)
{
	return (cid >> (LEAF_BITS + KID_BITS * (level - 1))) & (KIDS - 1);
}

/* Does a root of this level have a place for cid? Shifts stay below 32: the highest level is 4. */
static bool reaches(uint32_t level, uint32_t cid)
{
	return cid >> (LEAF_BITS + KID_BITS * level) == 0;
}

/* The upper bound: covers every moment of its chains, at any level. It takes the place of a node that there is no
 * memory for: too much is ordered then, which hides races and invents none, and clock_lost counts it. It takes part
 * in counting, from so high that it never ends. */
static struct gosan_node everything = {.refs = 1u << 30};

/* Nodes that nobody has, in a few pools, so that threads rarely meet at one. A thread keeps to the pool that it
 * was given first: what it frees it will soon need again. */
#define POOLS    16
#define POOL_MAX 512

static struct pool {
	char lock;
	uint32_t n;
	struct gosan_node *free; /* linked by kid[0] */
} __attribute__((aligned(64))) pools[POOLS];
static uint32_t n_threads;
static __thread uint32_t my_pool __attribute__((tls_model("initial-exec"))); /* plus one */

/* A leaf lock, held for a few instructions. */
static struct pool *enter_pool(void)
{
	if (!my_pool)
		my_pool = __atomic_fetch_add(&n_threads, 1, __ATOMIC_RELAXED) % POOLS + 1;
	struct pool *p = &pools[my_pool - 1];

	for (unsigned i = 1; __atomic_test_and_set(&p->lock, __ATOMIC_ACQUIRE); i++)
		if (i % 64 == 0)
			sched_yield();
	return p;
}

static void leave_pool(struct pool *p)
{
	__atomic_clear(&p->lock, __ATOMIC_RELEASE);
}

/* Of unknown contents; refs 1. */
static struct gosan_node *raw_node(uint32_t level)
{
	struct pool *p = enter_pool();
	struct gosan_node *n = p->free;

	if (n) {
		p->free = n->kid[0];
		p->n--;
	}
	leave_pool(p);
	if (!n)
		n = gosan_mem_alloc(sizeof *n);
	if (!n) {
		GOSAN_COUNT(clock_lost);
		return NULL;
	}
	n->refs = 1;
	n->level = (uint8_t)level;
	memset(n->mark, 0, sizeof n->mark);
	return n;
}

static struct gosan_node *new_node(uint32_t level)
{
	struct gosan_node *n = raw_node(level);

	if (n)
		memset(n->epoch, 0, sizeof n->epoch);
	return n;
}

static void free_node(struct gosan_node *n)
{
	struct pool *p = enter_pool();
	bool room = p->n < POOL_MAX;

	if (room) {
		n->kid[0] = p->free;
		p->free = n;
		p->n++;
	}
	leave_pool(p);
	if (!room)
		gosan_mem_free(n, sizeof *n);
}

/* Who counts a reference holds one already, so the count can't reach 0 meanwhile. */
static struct gosan_node *ref(struct gosan_node *n)
{
	if (n)
		__atomic_fetch_add(&n->refs, 1, __ATOMIC_RELAXED);
	return n;
}

/* Nobody else has it, and nobody can get it but from us: then it may be changed, and what its last other owner did
 * with it is over (acquire, against the release in unref). */
static bool is_mine(const struct gosan_node *n)
{
	return __atomic_load_n(&n->refs, __ATOMIC_ACQUIRE) == 1;
}

static void unref(struct gosan_node *n)
{
	if (!n || (!is_mine(n) && __atomic_sub_fetch(&n->refs, 1, __ATOMIC_ACQ_REL)))
		return;
	if (n->level)
		for (unsigned i = 0; i < KIDS; i++)
			unref(n->kid[i]);
	free_node(n);
}

/* A copy that its caller may change; consumes the reference to n. n itself when nobody shares it, NULL (and
 * n kept) when memory is exhausted. The others may let go of n meanwhile: then it ends here. */
static struct gosan_node *own(struct gosan_node *n)
{
	if (is_mine(n))
		return n;
	struct gosan_node *copy = raw_node(n->level);

	if (!copy)
		return NULL;
	memcpy(copy->epoch, n->epoch, sizeof n->epoch);
	if (n->level)
		for (unsigned i = 0; i < KIDS; i++)
			ref(copy->kid[i]);
	unref(n);
	return copy;
}

/* join() and its parts: consume the reference to d, borrow s, return an owned node that covers both. k is a
 * node for the same chains that d covers, or NULL: where s shares its nodes, there is nothing to do. Where memory
 * is exhausted the result is everything. */
static struct gosan_node *join(struct gosan_node *d, struct gosan_node *s, const struct gosan_node *k);

/* k's part below kid i of a node of this level; k may be lower than that. */
static const struct gosan_node *part(const struct gosan_node *k, uint32_t level, unsigned i)
{
	if (!k || k->level == level)
		return k ? k->kid[i] : NULL;
	return i == 0 ? k : NULL;
}

/* s covers d: s it is, also when they are equal (unification). */
static struct gosan_node *adopt(struct gosan_node *d, struct gosan_node *s)
{
	ref(s);
	unref(d);
	return s;
}

/* The loops have 32 steps without branches: compilers make vectors of them. */
static struct gosan_node *join_leaf(struct gosan_node *d, struct gosan_node *s)
{
	uint32_t d_ahead = 0, s_ahead = 0;

	for (unsigned i = 0; i < LEAF; i++) {
		d_ahead |= d->epoch[i] > s->epoch[i];
		s_ahead |= s->epoch[i] > d->epoch[i];
	}
	if (!d_ahead)
		return adopt(d, s);
	if (!s_ahead)
		return d;
	struct gosan_node *r = own(d);

	if (!r)
		return adopt(d, &everything);
	for (unsigned i = 0; i < LEAF; i++)
		r->epoch[i] = r->epoch[i] > s->epoch[i] ? r->epoch[i] : s->epoch[i];
	return r;
}

/* d belongs to this join alone: its kids can be consumed in place. */
static struct gosan_node *join_owned(struct gosan_node *d, struct gosan_node *s, const struct gosan_node *k)
{
	bool same = true;

	for (unsigned i = 0; i < KIDS; i++) {
		d->kid[i] = join(d->kid[i], s->kid[i], part(k, s->level, i));
		same &= d->kid[i] == s->kid[i];
	}
	return same ? adopt(d, s) : d;
}

/* d is shared: compute the kids first, and copy d only when the result is neither d nor s. */
static struct gosan_node *join_shared(struct gosan_node *d, struct gosan_node *s, const struct gosan_node *k)
{
	struct gosan_node *kid[KIDS], *r = d;
	bool is_d = true, is_s = true;

	for (unsigned i = 0; i < KIDS; i++) {
		kid[i] = join(ref(d->kid[i]), s->kid[i], part(k, s->level, i));
		is_d &= kid[i] == d->kid[i];
		is_s &= kid[i] == s->kid[i];
	}
	if (!is_s && !is_d && (r = raw_node(d->level))) {
		memcpy(r->kid, kid, sizeof kid);
		unref(d);
		return r;
	}
	for (unsigned i = 0; i < KIDS; i++)
		unref(kid[i]);
	return is_d ? d : adopt(d, is_s ? s : &everything);
}

/* Roots of different height: the lower one stands for the first kid of the higher. */
static struct gosan_node *join_lower(struct gosan_node *d, struct gosan_node *s, const struct gosan_node *k)
{
	bool mine = is_mine(d);
	struct gosan_node *first = mine ? d->kid[0] : ref(d->kid[0]), *r = d;

	first = join(first, s, k);
	if (mine) {
		d->kid[0] = first;
		return d;
	}
	if (first == d->kid[0] || !(r = own(d))) {
		bool same = first == d->kid[0];

		unref(first);
		return same ? d : adopt(d, &everything);
	}
	unref(r->kid[0]);
	r->kid[0] = first;
	return r;
}

/* d becomes the first kid of a copy of s, or s itself when d's part of it has nothing of its own. */
static struct gosan_node *join_higher(struct gosan_node *d, struct gosan_node *s, const struct gosan_node *k)
{
	struct gosan_node *first = join(d, s->kid[0], part(k, s->level, 0)), *r = ref(s);

	if (first == s->kid[0]) {
		unref(first);
		return r;
	}
	r = own(r);
	if (!r) {
		unref(first);
		return adopt(s, &everything);
	}
	unref(r->kid[0]);
	r->kid[0] = first;
	return r;
}

static struct gosan_node *join(struct gosan_node *d, struct gosan_node *s, const struct gosan_node *k)
{
	if (d == s || s == k || !s || d == &everything || k == &everything)
		return d;
	if (!d || s == &everything)
		return adopt(d, s);
	if (d->level != s->level)
		return d->level > s->level ? join_lower(d, s, k) : join_higher(d, s, k);
	if (d->level == 0)
		return join_leaf(d, s);
	return is_mine(d) ? join_owned(d, s, k) : join_shared(d, s, k);
}

/* At most five steps. */
uint32_t gosan_clock_look_up(const struct gosan_node *n, uint32_t cid)
{
	if (!n || (!reaches(n->level, cid) && n != &everything))
		return 0;
	while (n->level) {
		n = n->kid[kid_index(cid, n->level)];
		if (!n)
			return 0;
	}
	return n == &everything ? UINT32_MAX : n->epoch[cid & (LEAF - 1)];
}

/* A node of this level, or everything. */
static struct gosan_node *node_or_everything(uint32_t level)
{
	struct gosan_node *n = new_node(level);

	return n ? n : ref(&everything);
}

/* Under a root that is high enough: the same walk, owning each node on the way. */
static void set_below(struct gosan_node **slot, uint32_t cid, uint32_t epoch)
{
	while (*slot != &everything) {
		struct gosan_node *n = own(*slot);

		if (!n) {
			*slot = adopt(*slot, &everything);
			return;
		}
		*slot = n;
		if (n->level == 0) {
			n->epoch[cid & (LEAF - 1)] = epoch;
			return;
		}
		slot = &n->kid[kid_index(cid, n->level)];
		if (!*slot)
			*slot = node_or_everything(n->level - 1);
	}
}

/* The root grows by levels until it has a place for cid: what was there becomes the first kid. */
static void set_in_trie(struct gosan_clock *c, uint32_t cid, uint32_t epoch)
{
	if (!c->root)
		c->root = node_or_everything(0);
	while (c->root != &everything && !reaches(c->root->level, cid)) {
		struct gosan_node *higher = node_or_everything(c->root->level + 1);

		if (higher == &everything)
			unref(c->root);
		else
			higher->kid[0] = c->root;
		c->root = higher;
	}
	set_below(&c->root, cid, epoch);
}

void gosan_clock_set(struct gosan_clock *c, uint32_t cid, uint32_t epoch)
{
	if (cid == c->cid && c->epoch)
		c->epoch = epoch;
	else if (cid == c->other_cid && c->other)
		c->other = epoch;
	else
		set_in_trie(c, cid, epoch);
}

/* The place of `other` is needed: its entry goes into the trie. */
static void put_away(struct gosan_clock *c)
{
	if (c->other && gosan_clock_look_up(c->root, c->other_cid) < c->other)
		set_in_trie(c, c->other_cid, c->other);
	c->other_cid = c->other = 0;
}

void gosan_clock_settle(struct gosan_clock *c)
{
	put_away(c);
}

/* Of two that talk to each other, each is the other's `other`: what comes back is dropped here, and no node is
 * made. */
void gosan_clock_own(struct gosan_clock *c, uint32_t cid, uint32_t epoch)
{
	if (c->cid != cid && c->epoch) {
		if (c->other_cid != cid)
			put_away(c);
		c->other_cid = c->cid;
		c->other = c->epoch;
	}
	c->cid = cid;
	c->epoch = epoch;
}

void gosan_clock_raise(struct gosan_clock *c, uint32_t cid, uint32_t epoch)
{
	if (!epoch || gosan_clock_get(c, cid) >= epoch)
		return;
	if (!c->epoch || c->cid == cid) {
		c->cid = cid;
		c->epoch = epoch;
	} else {
		if (c->other_cid != cid)
			put_away(c);
		c->other_cid = cid;
		c->other = epoch;
	}
}

/* After a join of the tries. What lies beside dst's may have been overtaken by what its trie says now: on a chain
 * of several goroutines, or in a merge of releases. */
static void join_beside(struct gosan_clock *dst, const struct gosan_clock *src, bool changed)
{
	uint32_t newer = changed && dst->epoch ? gosan_clock_look_up(dst->root, dst->cid) : 0;
	uint32_t other = changed && dst->other ? gosan_clock_look_up(dst->root, dst->other_cid) : 0;

	if (newer > dst->epoch && newer != UINT32_MAX)
		dst->epoch = newer;
	if (other > dst->other && other != UINT32_MAX)
		dst->other = other;
	gosan_clock_raise(dst, src->other_cid, src->other);
	gosan_clock_raise(dst, src->cid, src->epoch);
}

void gosan_clock_join(struct gosan_clock *dst, const struct gosan_clock *src)
{
	bool changed = dst->root != src->root;

	if (changed)
		dst->root = join(dst->root, src->root, NULL);
	join_beside(dst, src, changed);
}

/* known's root may be higher than src's: then its first kids stand for it. */
void gosan_clock_join_since(struct gosan_clock *dst, const struct gosan_clock *src,
			    const struct gosan_clock *known)
{
	const struct gosan_node *k = known->root;

	while (k && src->root && k->level > src->root->level)
		k = k->kid[0];
	dst->root = join(dst->root, src->root, k);
	join_beside(dst, src, true);
}

/* Reference first: dst's may be the last one to a node that src reaches, too. */
void gosan_clock_share(struct gosan_clock *dst, const struct gosan_clock *src)
{
	struct gosan_node *n = ref(src->root);

	unref(dst->root);
	dst->root = n;
}

void gosan_clock_clear(struct gosan_clock *c)
{
	unref(c->root);
	*c = (struct gosan_clock){0};
}

void gosan_clock_fill(struct gosan_clock *c)
{
	c->root = adopt(c->root, &everything);
}

uint32_t gosan_clock_next_pass(uint32_t pass)
{
	return pass < 0xffffff ? pass + 1 : 0;
}

/* Pass 0 marks nothing, and sees what is shared again and again. */
static bool is_seen(struct gosan_node *n, uint32_t pass)
{
	uint8_t mark[3] = {(uint8_t)pass, (uint8_t)(pass >> 8), (uint8_t)(pass >> 16)};

	if (pass && !memcmp(n->mark, mark, sizeof mark))
		return true;
	memcpy(n->mark, mark, sizeof mark);
	return false;
}

static void each_below(struct gosan_node *n, uint32_t first, uint32_t pass, gosan_clock_fn *fn, void *arg)
{
	if (!n || n == &everything || is_seen(n, pass))
		return;
	for (unsigned i = 0; n->level && i < KIDS; i++)
		each_below(n->kid[i], first + (i << (LEAF_BITS + KID_BITS * (n->level - 1u))), pass, fn, arg);
	for (unsigned i = 0; !n->level && i < LEAF; i++)
		if (n->epoch[i])
			fn(first + i, n->epoch[i], arg);
}

void gosan_clock_each(const struct gosan_clock *c, uint32_t pass, gosan_clock_fn *fn, void *arg)
{
	if (c->epoch)
		fn(c->cid, c->epoch, arg);
	if (c->other)
		fn(c->other_cid, c->other, arg);
	each_below(c->root, 0, pass, fn, arg);
}

void gosan_clock_fork(bool before)
{
	for (unsigned i = 0; i < POOLS; i++) {
		if (!before) {
			leave_pool(&pools[i]);
			continue;
		}
		while (__atomic_test_and_set(&pools[i].lock, __ATOMIC_ACQUIRE))
			sched_yield();
	}
}
