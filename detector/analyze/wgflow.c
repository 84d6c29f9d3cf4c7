/* SPDX-License-Identifier: Apache-2.0
 *
 * wgflow.c: the flow argument. A schedule may run any set X of Dones once all Adds that happen before them
 * ran, and no others. The counter goes below zero in some schedule iff some X is bigger than its Adds, which
 * by max-flow = min-cut (Ford and Fulkerson; Hall's condition when all amounts are 1) is iff the maximum flow
 * Dones -> Adds that happen before them leaves a Done unserved.
 *
 *      source --amount--> Done_j --(Add_i before Done_j)--> Add_i --amount--> sink
 *
 * Three ways, cheapest first: Adds of one goroutine form a chain, so each Done sees a prefix of it and taking
 * the latest Add with something left is optimal; a greedy flow that serves all is maximal; else augmenting
 * paths, up to EXACT_MAX operations a side.
 */
#include "mem.h"
#include "wgflow.h"

#define EXACT_MAX  1024u
#define GREEDY_MAX (4u << 20)

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
} q;

bool gosan_wgflow_before(const struct gosan_wgop *x, const struct gosan_wgop *y)
{
	if (x->at.cid == y->at.cid) /* one chain runs in order, also within an epoch */
		return x->seq < y->seq;
	return gosan_clock_covers(&y->clock, x->at);
}

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

static void unload(struct side *s, const struct gosan_vec *v)
{
	if (s->op)
		gosan_mem_free(s->op, (v->n + 1) * sizeof *s->op);
	if (s->left)
		gosan_mem_free(s->left, (v->n + 1) * sizeof *s->left);
	*s = (struct side){0};
}

static int64_t sum_left(const struct side *s)
{
	int64_t sum = 0;

	for (size_t i = 0; i < s->n; i++)
		sum += s->left[i];
	return sum;
}

static int64_t take(size_t d, size_t a)
{
	int64_t n = q.dones.left[d] < q.adds.left[a] ? q.dones.left[d] : q.adds.left[a];

	q.dones.left[d] -= n;
	q.adds.left[a] -= n;
	return n;
}

static bool one_chain(void)
{
	for (size_t i = 1; i < q.adds.n; i++)
		if (q.adds.op[i]->at.cid != q.adds.op[0]->at.cid)
			return false;
	return q.adds.n > 0;
}

/* How many Adds of the chain happen before d. Adds are in order of time, and so of epochs. */
static size_t prefix(const struct gosan_wgop *d)
{
	size_t lo = 0, hi = q.adds.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (gosan_wgflow_before(q.adds.op[mid], d))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* skip[i]: the last Add among the first i that has something left, plus one; paths are halved as in a
 * union-find. Prefixes are nested, so the latest possible Add is the one that others need least. */
static bool serve_chain(void)
{
	uint32_t *skip = gosan_mem_alloc((q.adds.n + 1) * sizeof *skip);

	if (!skip)
		return false;
	for (size_t i = 0; i <= q.adds.n; i++)
		skip[i] = (uint32_t)i;
	for (size_t d = 0; d < q.dones.n; d++) {
		size_t i = prefix(q.dones.op[d]);

		while (i > 0 && q.dones.left[d] > 0) {
			while (skip[i] != i)
				i = skip[i] = skip[skip[i]];
			if (i == 0)
				break;
			take(d, i - 1);
			if (q.adds.left[i - 1] == 0)
				skip[i] = (uint32_t)i - 1;
		}
	}
	gosan_mem_free(skip, (q.adds.n + 1) * sizeof *skip);
	return true;
}

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
	}
	bool done = scratch && q.flow;

	if (scratch)
		gosan_mem_free(scratch, (2 * d_n + a_n + 1) * sizeof *scratch);
	if (q.flow)
		gosan_mem_unmap(q.flow, bytes);
	q.flow = NULL;
	return done;
}

static bool serve(void)
{
	if (one_chain())
		return serve_chain();
	if (q.dones.n <= EXACT_MAX && q.adds.n <= EXACT_MAX)
		return serve_exact();
	if (q.dones.n * q.adds.n > GREEDY_MAX)
		return false;
	serve_greedy(); /* an answer only if it serves all */
	return sum_left(&q.dones) == 0;
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
