/* SPDX-License-Identifier: Apache-2.0
 *
 * wgflow.c: the flow argument. A schedule may run any set X of Dones once all Adds that happen before them
 * ran, and no others. The counter goes below zero in some schedule iff some X is bigger than its Adds, which
 * by max-flow = min-cut (Ford and Fulkerson; Hall's condition when all amounts are 1) is iff the maximum flow
 * Dones -> Adds that happen before them leaves a Done unserved.
 *
 *      source --amount--> Done_j --(Add_i before Done_j)--> Add_i --amount--> sink
 *
 * Amounts are counted, not operations: Add(3) serves three Dones or one Add(-3). A Done of which only a part
 * is served is a Done too many.
 *
 * Two ways. First along chains: the Adds of one goroutine are in order, so each Done sees a prefix of them,
 * and taking the latest one with something left is optimal within the chain. A Done looks at the chain of its
 * goroutine's parent first, which is where the Add for it usually is, then at its own and its ancestors'. If
 * that serves all Dones, it is a maximum flow, in nearly linear time. Else augmenting paths, up to EXACT_MAX
 * operations a side.
 */
#include "mem.h"
#include "wgflow.h"

#define EXACT_MAX  1024u
#define LEVELS     8   /* ancestors whose chains are tried */
#define CHAINS_MAX 64u /* so many chains are all tried */

/* Adds of one chain: q.adds.op[first .. first + n). */
struct chain {
	bool used;
	uint32_t cid;
	size_t first, n, last; /* last: what prefix() said last */
	uint32_t *skip;        /* [n + 1], see take_latest() */
};

struct side {
	struct gosan_wgop **op;
	int64_t *left;
	size_t n;
};

/* Scratch of one question: flow[d * adds.n + a]. */
static struct {
	struct side dones, adds;
	int64_t *flow;
	uint32_t *from_done, *from_add, *queue;
	struct chain *chain; /* by cid, open addressing */
	size_t room, n_chains;
	uint32_t *skips;
} q;

bool gosan_wgflow_before(const struct gosan_wgop *x, const struct gosan_wgop *y)
{
	if (x->at.cid == y->at.cid) /* one chain runs in order, also within an epoch */
		return x->seq < y->seq;
	return gosan_clock_covers(&y->clock, x->at);
}

/* Only picked operations take part. One place more than needed: allocations of nothing fail. */
static bool load(struct side *s, const struct gosan_vec *v)
{
	struct gosan_wgop *op = v->data;

	s->n = 0;
	s->op = gosan_mem_alloc((v->n + 1) * sizeof *s->op);
	s->left = gosan_mem_alloc((v->n + 1) * sizeof *s->left);
	if (!s->op || !s->left)
		return false;
	for (size_t i = 0; i < v->n; i++) {
		if (!op[i].picked)
			continue;
		s->op[s->n] = &op[i];
		s->left[s->n++] = op[i].n;
	}
	return true;
}

/* Sizes as load() asked for them: mem.h wants them back. */
static void unload(struct side *s, const struct gosan_vec *v)
{
	if (s->op)
		gosan_mem_free(s->op, (v->n + 1) * sizeof *s->op);
	if (s->left)
		gosan_mem_free(s->left, (v->n + 1) * sizeof *s->left);
	*s = (struct side){0};
}

/* Zero: all served, or all used up. */
static int64_t sum_left(const struct side *s)
{
	int64_t sum = 0;

	for (size_t i = 0; i < s->n; i++)
		sum += s->left[i];
	return sum;
}

/* As much as both sides have left. */
static int64_t take(size_t d, size_t a)
{
	int64_t n = q.dones.left[d] < q.adds.left[a] ? q.dones.left[d] : q.adds.left[a];

	q.dones.left[d] -= n;
	q.adds.left[a] -= n;
	return n;
}

/* The chain of cid, or a free place, which is an empty chain. At most half of the places are taken. */
static struct chain *chain_of(uint32_t cid)
{
	size_t i = gosan_waits_hash(0, cid) & (q.room - 1);

	while (q.chain[i].used && q.chain[i].cid != cid)
		i = (i + 1) & (q.room - 1);
	return &q.chain[i];
}

/* Where each chain's Adds and skip table start, from how many it has. */
static void lay_out(void)
{
	size_t first = 0;

	for (size_t i = 0; i < q.room; i++) {
		struct chain *c = &q.chain[i];

		if (!c->used)
			continue;
		c->first = first;
		c->skip = q.skips + first + q.n_chains++;
		for (size_t k = 0; k <= c->n; k++)
			c->skip[k] = (uint32_t)k;
		first += c->n;
		c->n = 0; /* counted again while they are placed */
	}
}

/* Stable, so each chain stays in order of time. */
static void place_all(struct gosan_wgop **sorted)
{
	lay_out();
	for (size_t i = 0; i < q.adds.n; i++) {
		struct chain *c = chain_of(q.adds.op[i]->at.cid);

		sorted[c->first + c->n++] = q.adds.op[i];
	}
	for (size_t i = 0; i < q.adds.n; i++) {
		q.adds.op[i] = sorted[i];
		q.adds.left[i] = sorted[i]->n;
	}
}

/* Group the Adds by chain, in order of time within each, which is also the order of their epochs. */
static bool make_chains(void)
{
	struct gosan_wgop **sorted = gosan_mem_alloc((q.adds.n + 1) * sizeof *sorted);

	for (q.room = 16; q.room < 2 * q.adds.n; q.room *= 2)
		;
	q.chain = gosan_mem_alloc(q.room * sizeof *q.chain);
	q.skips = gosan_mem_alloc(2 * (q.adds.n + 1) * sizeof *q.skips);
	q.n_chains = 0;
	if (sorted && q.chain && q.skips) {
		for (size_t i = 0; i < q.adds.n; i++) {
			struct chain *c = chain_of(q.adds.op[i]->at.cid);

			c->used = true;
			c->cid = q.adds.op[i]->at.cid;
			c->n++;
		}
		place_all(sorted);
	}
	if (sorted)
		gosan_mem_free(sorted, (q.adds.n + 1) * sizeof *sorted);
	return sorted && q.chain && q.skips;
}

static void drop_chains(void)
{
	if (q.chain)
		gosan_mem_free(q.chain, q.room * sizeof *q.chain);
	if (q.skips)
		gosan_mem_free(q.skips, 2 * (q.adds.n + 1) * sizeof *q.skips);
	q.chain = NULL;
	q.skips = NULL;
}

/* How many Adds of the chain happen before d. Dones come in order of time, so mostly some more than before the last one:
 * from there in growing steps, then by halves. */
static size_t prefix(struct chain *c, const struct gosan_wgop *d)
{
	size_t lo = 0, hi = c->n, at = c->last;

	for (size_t step = 1; at < hi; step *= 2) {
		if (!gosan_wgflow_before(q.adds.op[c->first + at], d)) {
			hi = at;
			break;
		}
		lo = at + 1;
		at += step;
	}
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (gosan_wgflow_before(q.adds.op[c->first + mid], d))
			lo = mid + 1;
		else
			hi = mid;
	}
	return c->last = lo;
}

/* By stamp and number: operations move when their array grows. */
static void note_match(struct gosan_wgop *d, const struct gosan_wgop *a)
{
	d->match_at = a->at;
	d->match_seq = a->seq;
}

/* skip[i]: the last Add among the first i that has something left, plus one; paths are halved as in a
 * union-find. Prefixes are nested, so the latest possible Add is the one that others need least. */
static void take_latest(struct chain *c, size_t d)
{
	size_t i = prefix(c, q.dones.op[d]);

	while (i > 0 && q.dones.left[d] > 0) {
		while (c->skip[i] != i)
			i = c->skip[i] = c->skip[c->skip[i]];
		if (i == 0)
			return;
		note_match(q.dones.op[d], q.adds.op[c->first + i - 1]);
		take(d, c->first + i - 1);
		if (q.adds.left[c->first + i - 1] == 0)
			c->skip[i] = (uint32_t)i - 1;
	}
}

/* Who started the goroutine has most likely counted it. */
static void serve_along_chains(size_t d)
{
	const struct gosan_g *g = q.dones.op[d]->g, *up = g ? g->parent : NULL;

	for (int level = 0; up && level < LEVELS && q.dones.left[d] > 0; level++, up = up->parent) {
		take_latest(chain_of(up->cid), d);
		if (level == 0)
			take_latest(chain_of(q.dones.op[d]->at.cid), d);
	}
	for (size_t i = 0; q.n_chains <= CHAINS_MAX && i < q.room && q.dones.left[d] > 0; i++)
		if (q.chain[i].used)
			take_latest(&q.chain[i], d);
}

/* Latest first: early Adds are before more Dones, so they are worth more to those that come after. */
static void serve_greedy(void)
{
	for (size_t d = 0; d < q.dones.n; d++)
		for (size_t a = q.adds.n; a-- > 0 && q.dones.left[d] > 0;)
			if (q.adds.left[a] > 0 && gosan_wgflow_before(q.adds.op[a], q.dones.op[d])) {
				int64_t n = take(d, a);

				if (q.flow)
					q.flow[d * q.adds.n + a] += n;
			}
}

/* Breadth first over Adds; from_done[a] is the Done that a was reached from, from_add[d] the Add over whose
 * flow d was reached. Returns an Add with something left, or adds.n. */
static size_t search(size_t start)
{
	size_t head = 0, tail = 0;

	for (size_t a = 0; a < q.adds.n; a++)
		q.from_done[a] = UINT32_MAX;
	for (size_t d = 0; d < q.dones.n; d++)
		q.from_add[d] = UINT32_MAX;
	q.queue[tail++] = (uint32_t)start;
	while (head < tail) {
		size_t d = q.queue[head++];

		for (size_t a = 0; a < q.adds.n; a++) {
			if (q.from_done[a] != UINT32_MAX || !gosan_wgflow_before(q.adds.op[a], q.dones.op[d]))
				continue;
			q.from_done[a] = (uint32_t)d;
			if (q.adds.left[a] > 0)
				return a;
			for (size_t e = 0; e < q.dones.n; e++)
				if (e != start && q.from_add[e] == UINT32_MAX &&
				    q.flow[e * q.adds.n + a] > 0) {
					q.from_add[e] = (uint32_t)a;
					q.queue[tail++] = (uint32_t)e;
				}
		}
	}
	return q.adds.n;
}

/* Push along the path that search() left, from start to the Add `end`. */
static void augment(size_t start, size_t end)
{
	int64_t n = q.dones.left[start] < q.adds.left[end] ? q.dones.left[start] : q.adds.left[end];

	for (size_t a = end, d = q.from_done[a]; d != start; a = q.from_add[d], d = q.from_done[a]) {
		int64_t back = q.flow[d * q.adds.n + q.from_add[d]];

		n = n < back ? n : back;
	}
	for (size_t a = end, d = q.from_done[a];; a = q.from_add[d], d = q.from_done[a]) {
		q.flow[d * q.adds.n + a] += n;
		if (d == start)
			break;
		q.flow[d * q.adds.n + q.from_add[d]] -= n;
	}
	q.dones.left[start] -= n;
	q.adds.left[end] -= n;
}

/* Ford and Fulkerson with shortest paths (Edmonds and Karp): O(V E^2) at the worst, but greedy leaves only a
 * few Dones to place. The flow table is mapped, not allocated: up to 8 MiB that are soon given back. */
static bool serve_exact(void)
{
	size_t d_n = q.dones.n, a_n = q.adds.n, bytes = (d_n * a_n + 1) * sizeof *q.flow;
	uint32_t *scratch = gosan_mem_alloc((2 * d_n + a_n + 1) * sizeof *scratch);

	q.flow = gosan_mem_map(bytes);
	if (scratch && q.flow) {
		q.from_done = scratch;
		q.from_add = scratch + a_n;
		q.queue = scratch + a_n + d_n;
		serve_greedy();
		for (size_t d = 0; d < d_n; d++)
			for (size_t a; q.dones.left[d] > 0 && (a = search(d)) < a_n;)
				augment(d, a);
		for (size_t i = 0; i < d_n * a_n; i++)
			if (q.flow[i] > 0)
				note_match(q.dones.op[i / a_n], q.adds.op[i % a_n]);
	}
	bool done = scratch && q.flow;

	if (scratch)
		gosan_mem_free(scratch, (2 * d_n + a_n + 1) * sizeof *scratch);
	if (q.flow)
		gosan_mem_unmap(q.flow, bytes);
	q.flow = NULL;
	return done;
}

/* Chains are greedy between them, so what they did may stand in the way. */
static void start_over(struct side *s)
{
	for (size_t i = 0; i < s->n; i++)
		s->left[i] = s->op[i]->n;
}

/* False: too big to tell. That is no verdict, and never reported as one. */
static bool serve(void)
{
	size_t chains;

	if (!make_chains())
		return false;
	for (size_t d = 0; d < q.dones.n; d++)
		serve_along_chains(d);
	chains = q.n_chains;
	drop_chains();
	if (chains <= 1 || sum_left(&q.dones) == 0)
		return true;
	start_over(&q.dones);
	start_over(&q.adds);
	return q.dones.n <= EXACT_MAX && q.adds.n <= EXACT_MAX && serve_exact();
}

/* In one chain by number, as in gosan_wgflow_before(). A Done that was never served has number 0. */
bool gosan_wgflow_match_before(const struct gosan_wgop *done, const struct gosan_wgop *x)
{
	if (done->match_at.cid == x->at.cid)
		return done->match_seq < x->seq;
	return done->match_seq && gosan_clock_covers(&x->clock, done->match_at);
}

int64_t gosan_wgflow_missing(const struct gosan_vec *dones, const struct gosan_vec *adds,
			     const struct gosan_wgop **ret_done)
{
	int64_t missing = -1;

	if (load(&q.dones, dones) && load(&q.adds, adds) && serve()) {
		missing = sum_left(&q.dones);
		for (size_t d = 0; d < q.dones.n; d++)
			if (q.dones.left[d] > 0) {
				*ret_done = q.dones.op[d];
				break;
			}
	}
	unload(&q.dones, dones);
	unload(&q.adds, adds);
	return missing;
}
