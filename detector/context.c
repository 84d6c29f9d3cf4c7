/* SPDX-License-Identifier: Apache-2.0
 *
 * context.c: the calling-context tree.
 *
 * Node 0 is the root of contexts ("nothing called yet"), node 1 the root of lock sets. A lock set's step
 * carries (object id, stack id) as its pc. A place that was reached with locks held is a child of the
 * place without them, whose pc has bit 63 set and names the lock set: user addresses never have it.
 *
 * Insertion pushes at the head of a hash chain by compare-and-swap. Who loses a race looks at what the winners
 * pushed before it tries again: a path has one node, so that equal stacks have equal ids.
 */
#include "context.h"

#include "depot.h"
#include "mem.h"
#include "module.h"

#include <errno.h>

#define NODES_MAX (1u << 25)
#define LOCKED    (UINT64_C(1) << 63)
#define LOCK_ROOT 1u

/* Until init: a root that is its own parent, so that an early func_exit is harmless. */
static struct gosan_context_node early[2];
struct gosan_context_node *gosan_context_nodes = early;
uint32_t gosan_context_hints[1u << GOSAN_CONTEXT_BITS];
static uint32_t buckets[1u << GOSAN_CONTEXT_BITS];
static uint32_t n_nodes;

int gosan_context_init(void)
{
	struct gosan_context_node *nodes;

	if (n_nodes)
		return 0;
	nodes = gosan_mem_map((size_t)NODES_MAX * sizeof(*nodes));
	if (!nodes)
		return -ENOMEM;
	gosan_context_nodes = nodes;
	n_nodes = 2;
	return 0;
}

/* callee is part of the key: one call site may enter several functions. */
static inline bool is_child(uint32_t id, uint32_t parent, uint64_t pc, uint32_t callee)
{
	const struct gosan_context_node *n = &gosan_context_nodes[id];

	return n->pc == pc && n->parent == parent && n->callee == callee;
}

/* The fold of recursion. Leaves and lock sets have no callee. */
static uint32_t target_of(uint32_t id)
{
	const struct gosan_context_node *n = gosan_context_nodes;

	for (uint32_t up = n[id].parent; n[id].callee && up > LOCK_ROOT; up = n[up].parent)
		if (n[up].callee == n[id].callee)
			return up;
	return id;
}

/* From `id` to before `end` in a chain: the child, or 0. */
static uint32_t find(uint32_t id, uint32_t end, uint32_t parent, uint64_t pc, uint32_t callee)
{
	while (id != end && !is_child(id, parent, pc, callee))
		id = gosan_context_nodes[id].next;
	return id == end ? 0 : id;
}

/* A new node, which nobody can find yet. 0: no room. */
static uint32_t make(uint32_t parent, uint64_t pc, uint32_t callee)
{
	uint32_t id = __atomic_fetch_add(&n_nodes, 1, __ATOMIC_RELAXED);

	if (id >= NODES_MAX) {
		__atomic_store_n(&n_nodes, NODES_MAX, __ATOMIC_RELAXED);
		GOSAN_COUNT(stacks_lost);
		return 0;
	}
	gosan_context_nodes[id].pc = pc;
	gosan_context_nodes[id].parent = parent;
	gosan_context_nodes[id].callee = callee;
	gosan_context_nodes[id].target = target_of(id);
	return id;
}

/* The node is complete before the compare-and-swap publishes it; a chain only ever grows at its head, so a walk
 * over it needs no lock. A node that lost its race stays unused. */
uint32_t gosan_context_add(uint32_t parent, uint64_t pc, uint32_t callee, uint32_t h)
{
	uint32_t head = __atomic_load_n(&buckets[h], __ATOMIC_ACQUIRE), seen = 0, id, fresh = 0;

	if (!n_nodes)
		return parent;
	while (!(id = find(head, seen, parent, pc, callee))) {
		if (!fresh && !(fresh = make(parent, pc, callee)))
			return parent;
		gosan_context_nodes[fresh].next = seen = head;
		if (__atomic_compare_exchange_n(&buckets[h], &head, fresh, false, __ATOMIC_RELEASE,
						__ATOMIC_ACQUIRE)) {
			id = fresh;
			break;
		}
	}
	__atomic_store_n(&gosan_context_hints[h], id, __ATOMIC_RELEASE);
	return gosan_context_nodes[id].target;
}

/* The first few callers lie in the goroutine's own record. Without memory, deeper callers share a context. */
void gosan_context_grow(struct gosan_g *g)
{
	uint32_t room = g->ctx_room ? g->ctx_room * 2 : sizeof(g->ctx_first) / sizeof(g->ctx_first[0]);
	uint32_t *stack = g->ctx_room ? gosan_mem_alloc(room * sizeof(*stack)) : g->ctx_first;

	if (!stack) {
		GOSAN_COUNT(stacks_lost);
		return;
	}
	for (uint32_t i = 0; i < g->ctx_room; i++)
		stack[i] = g->ctx_stack[i];
	if (g->ctx_stack != g->ctx_first && g->ctx_stack)
		gosan_mem_free(g->ctx_stack, g->ctx_room * sizeof(*stack));
	g->ctx_stack = stack;
	g->ctx_room = room;
}

void gosan_context_end(struct gosan_g *g)
{
	if (g->ctx_stack && g->ctx_stack != g->ctx_first)
		gosan_mem_free(g->ctx_stack, g->ctx_room * sizeof(*g->ctx_stack));
	g->ctx_stack = NULL;
	g->ctx_room = g->ctx_depth = 0;
}

/* Most accesses are made without a lock: one look-up. Sets of locks are few, so theirs hit as well. */
uint32_t gosan_context_place(const struct gosan_g *g, uintptr_t pc)
{
	uint32_t place = gosan_context_child(g->ctx, pc), set = LOCK_ROOT;

	if (__builtin_expect(g->n_held == 0, 1))
		return place;
	for (size_t i = 0; i < g->n_held; i++) {
		const struct gosan_held *h = &g->held[i];

		set = gosan_context_child(set, (uint64_t)(h->obj ? h->obj->id : 0) << 32 | h->stack);
	}
	return gosan_context_child(place, LOCKED | set);
}

/* The node of the access itself, below a possible lock set. */
static uint32_t strip(uint32_t place)
{
	return gosan_context_nodes[place].pc & LOCKED ? gosan_context_nodes[place].parent : place;
}

uintptr_t gosan_context_pc(uint32_t place)
{
	return (uintptr_t)gosan_context_nodes[strip(place)].pc;
}

/* Frames of the runtime below a goroutine's function are nobody's business. */
static bool is_own(uintptr_t pc)
{
	const struct gosan_module *m = gosan_module_find(pc);

	return m && m->kind == GOSAN_MODULE_OWN;
}

/* At most GOSAN_STACK_MAX frames; the outermost are cut. The node remembers: an id is expanded again and again
 * while a report is written. Two threads that expand at once get the same answer. */
uint32_t gosan_context_stack(uint32_t place)
{
	uint32_t leaf = place < n_nodes ? strip(place) : 0;
	uint32_t stack = __atomic_load_n(&gosan_context_nodes[leaf].stack, __ATOMIC_RELAXED);
	uintptr_t pcs[GOSAN_STACK_MAX];
	size_t n = 0;

	if (stack || leaf <= LOCK_ROOT)
		return stack;
	for (uint32_t id = leaf; id > LOCK_ROOT && n < GOSAN_STACK_MAX; id = gosan_context_parent(id))
		if (!is_own((uintptr_t)gosan_context_nodes[id].pc))
			pcs[n++] = (uintptr_t)gosan_context_nodes[id].pc;
	stack = n ? gosan_depot_put(pcs, n) : 0;
	__atomic_store_n(&gosan_context_nodes[leaf].stack, stack, __ATOMIC_RELAXED);
	return stack;
}

/* The path goes from the last lock to the first: counted once to know where each belongs. */
size_t gosan_context_locks(uint32_t place, struct gosan_context_lock *ret, size_t max)
{
	uint32_t set, id;
	size_t n = 0;

	if (!(gosan_context_nodes[place].pc & LOCKED))
		return 0;
	set = (uint32_t)gosan_context_nodes[place].pc;
	for (id = set; id != LOCK_ROOT; id = gosan_context_parent(id))
		n++;
	for (id = set; id != LOCK_ROOT; id = gosan_context_parent(id)) {
		n--;
		if (n < max) {
			ret[n].obj = (uint32_t)(gosan_context_nodes[id].pc >> 32);
			ret[n].stack = (uint32_t)gosan_context_nodes[id].pc;
		}
	}
	for (id = set; id != LOCK_ROOT; id = gosan_context_parent(id))
		n++;
	return n < max ? n : max;
}
