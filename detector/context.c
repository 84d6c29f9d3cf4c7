/* SPDX-License-Identifier: Apache-2.0
 *
 * context.c: the calling-context tree.
 *
 * Node 0 is the root of contexts ("nothing called yet"), node 1 the root of lock sets. A lock set's step
 * carries (object id, stack id) as its pc. A place that was reached with locks held is a child of the
 * place without them, whose pc has bit 63 set and names the lock set: user addresses never have it.
 *
 * Insertion pushes at the head of a hash chain by compare-and-swap. Two threads that insert the same
 * child at once may each add a node: both stand for the same stack, so nothing breaks. `hint` remembers
 * the node last found for a hash, which makes the common look-up one probe.
 */
#include "context.h"

#include "depot.h"
#include "mem.h"
#include "module.h"

#include <errno.h>

#define NODES_MAX   (1u << 27)
#define BUCKET_BITS 16
#define LOCKED      (UINT64_C(1) << 63)
#define LOCK_ROOT   1u

struct gosan_context_node *gosan_context_nodes;
static uint32_t *buckets, *hints;
static uint32_t n_nodes;

/* Until init: a root that is its own parent, so that an early func_exit is harmless. */
static struct gosan_context_node early[2];

__attribute__((constructor(101))) static void start_with_root(void)
{
	if (!gosan_context_nodes)
		gosan_context_nodes = early;
}

int gosan_context_init(void)
{
	struct gosan_context_node *nodes;

	if (buckets)
		return 0;
	nodes = gosan_mem_map((size_t)NODES_MAX * sizeof(*nodes));
	hints = gosan_mem_map(sizeof(*hints) << BUCKET_BITS);
	buckets = gosan_mem_map(sizeof(*buckets) << BUCKET_BITS);
	if (!nodes || !buckets || !hints) {
		buckets = NULL;
		return -ENOMEM;
	}
	gosan_context_nodes = nodes;
	n_nodes = 2;
	return 0;
}

static inline uint32_t hash(uint32_t parent, uint64_t pc)
{
	uint64_t h = (pc ^ ((uint64_t)parent << 32) ^ parent) * UINT64_C(0x9e3779b97f4a7c15);

	return (uint32_t)(h >> (64 - BUCKET_BITS));
}

static inline bool is_child(uint32_t id, uint32_t parent, uint64_t pc)
{
	return gosan_context_nodes[id].pc == pc && gosan_context_nodes[id].parent == parent;
}

static __attribute__((noinline)) uint32_t find_or_add(uint32_t parent, uint64_t pc, uint32_t h)
{
	uint32_t head = __atomic_load_n(&buckets[h], __ATOMIC_ACQUIRE), id;

	for (id = head; id; id = gosan_context_nodes[id].next)
		if (is_child(id, parent, pc))
			goto found;
	id = __atomic_fetch_add(&n_nodes, 1, __ATOMIC_RELAXED);
	if (id >= NODES_MAX) {
		__atomic_store_n(&n_nodes, NODES_MAX, __ATOMIC_RELAXED);
		GOSAN_COUNT(stacks_lost);
		return parent;
	}
	gosan_context_nodes[id].pc = pc;
	gosan_context_nodes[id].parent = parent;
	do
		gosan_context_nodes[id].next = head;
	while (!__atomic_compare_exchange_n(&buckets[h], &head, id, false, __ATOMIC_RELEASE,
	                                    __ATOMIC_ACQUIRE));
found:
	__atomic_store_n(&hints[h], id, __ATOMIC_RELEASE);
	return id;
}

uint32_t gosan_context_child(uint32_t parent, uint64_t pc)
{
	uint32_t h = hash(parent, pc), id;

	if (__builtin_expect(!buckets, 0))
		return parent;
	id = __atomic_load_n(&hints[h], __ATOMIC_ACQUIRE);
	if (__builtin_expect(id && is_child(id, parent, pc), 1))
		return id;
	return find_or_add(parent, pc, h);
}

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

uint32_t gosan_context_stack(uint32_t place)
{
	uintptr_t pcs[GOSAN_STACK_MAX];
	size_t n = 0;

	for (uint32_t id = strip(place); id > LOCK_ROOT && n < GOSAN_STACK_MAX; id = gosan_context_parent(id))
		if (!is_own((uintptr_t)gosan_context_nodes[id].pc))
			pcs[n++] = (uintptr_t)gosan_context_nodes[id].pc;
	return n ? gosan_depot_put(pcs, n) : 0;
}

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
