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
#include "recorder.h"

#include <errno.h>

#define NODES_MAX (1u << 25)
#define CHARGED   1024u /* nodes whose memory is counted in one go */
#define LOCKED    (UINT64_C(1) << 63)
#define LOCK_ROOT 1u
/* Calls that are noted per goroutine, 16 bytes each: a recursion of a million calls on a stack of 48 MiB or more. */
#define FRAMES_MAX (1u << 20)

/* Until init: a root that is its own parent, so that an early func_exit is harmless. */
static struct gosan_context_node early[2];
struct gosan_context_node *gosan_context_nodes = early;
uint32_t gosan_context_hints[1u << GOSAN_CONTEXT_BITS];
static uint32_t buckets[1u << GOSAN_CONTEXT_BITS];
/* A program that holds ten of thousands of locks makes a path of ten steps at every lock, and ten million of them: from
 * MANY nodes on, new ones go to a larger table, and are looked for there first. NULL: not yet. A thread that adds to
 * the old one at that very moment may make a node twice. */
#define MANY      (1u << 15)
#define MANY_BITS 22
static uint32_t *many;
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

/* Where a new node belongs: in the chain of its hint, or in the larger table, whose index begins with the hint's. */
static uint32_t *bucket_of(uint32_t parent, uint64_t pc, uint32_t h)
{
	uint32_t *table = __atomic_load_n(&many, __ATOMIC_ACQUIRE), *none = NULL;

	if (__builtin_expect(!table && n_nodes > MANY, 0)) {
		table = gosan_mem_map(sizeof(*table) << MANY_BITS);
		if (table && !__atomic_compare_exchange_n(&many, &none, table, false, __ATOMIC_ACQ_REL,
							  __ATOMIC_ACQUIRE))
			table = none;
	}
	if (!table)
		return &buckets[h];
	return &table[gosan_context_mix(parent, pc) >> (64 - MANY_BITS)];
}

static uint32_t target_of(uint32_t id);

/* A row that was never written, or whose parent is not above it, stays alone: nobody refers to it in a good recording. */
int gosan_context_load(const struct gosan_trace_context *rows, uint32_t n)
{
	int err = gosan_context_init();

	for (uint32_t id = 2; !err && id < n && id < NODES_MAX; id++) {
		struct gosan_context_node *node = &gosan_context_nodes[id];
		uint32_t h = gosan_context_hash(rows[id].parent, rows[id].pc);

		n_nodes = id + 1;
		node->target = id;
		if (rows[id].parent >= id)
			continue;
		node->pc = rows[id].pc;
		node->parent = rows[id].parent;
		node->callee = rows[id].callee;
		node->target = target_of(id);
		node->next = buckets[h];
		buckets[h] = id;
	}
	return err;
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

	if (id >= NODES_MAX ||
	    (id % CHARGED == 0 && !gosan_mem_charge(CHARGED * sizeof(*gosan_context_nodes)))) {
		__atomic_store_n(&n_nodes, NODES_MAX, __ATOMIC_RELAXED);
		GOSAN_COUNT(stacks_lost);
		return 0;
	}
	gosan_context_nodes[id].pc = pc;
	gosan_context_nodes[id].parent = parent;
	gosan_context_nodes[id].callee = callee;
	gosan_context_nodes[id].target = target_of(id);
	GOSAN_RECORD(gosan_recorder_context(id, pc, parent, callee));
	return id;
}

/* The node is complete before the compare-and-swap publishes it; a chain only ever grows at its head, so a walk
 * over it needs no lock. A node that lost its race stays unused. */
uint32_t gosan_context_add(uint32_t parent, uint64_t pc, uint32_t callee, uint32_t h)
{
	uint32_t *bucket = bucket_of(parent, pc, h), head, seen = 0, id = 0, fresh = 0;

	if (!n_nodes)
		return parent;
	head = __atomic_load_n(bucket, __ATOMIC_ACQUIRE);
	if (bucket != &buckets[h] && !(id = find(head, 0, parent, pc, callee))) {
		id = find(__atomic_load_n(&buckets[h], __ATOMIC_ACQUIRE), 0, parent, pc, callee);
		seen = head;
	}
	while (!id && !(id = find(head, seen, parent, pc, callee))) {
		if (!fresh && !(fresh = make(parent, pc, callee)))
			return parent;
		gosan_context_nodes[fresh].next = seen = head;
		if (__atomic_compare_exchange_n(bucket, &head, fresh, false, __ATOMIC_RELEASE,
						__ATOMIC_ACQUIRE)) {
			id = fresh;
			break;
		}
	}
	__atomic_store_n(&gosan_context_hints[h], id, __ATOMIC_RELEASE);
	return gosan_context_nodes[id].target;
}

/* What a goroutine found last: a loop has few places, and asks for each of them again and again. Nodes are never
 * removed, so an entry stays true. Goroutines use those of the thread that they run on; a thread that often misses
 * there gets tables of its own, for locks in many stripes make many places of one. */
struct found {
	uint64_t pc;
	uint32_t ctx, set, place;
};
#define RECENT_BITS 5
static __thread struct found recent[1 << RECENT_BITS] __attribute__((tls_model("initial-exec")));

#define PLACE_BITS 10
#define SETS       128
#define MISSES     200 /* before a thread gets its own */
struct gosan_places {
	struct found place[1 << PLACE_BITS];
	struct found_set {
		uint32_t obj, stack, set;
	} set[SETS];
};

/* Calls. Invariant: frame_floor is frames, but while frames_over is not 0 it is frame_end, and frame too: then
 * leaving goes the slow way. Within frames, ctx is known from the bottom up to some call. */

/* The first few calls lie in the goroutine's own record. */
static bool grow(struct gosan_g *g)
{
	size_t n = (size_t)(g->frame - g->frames), room = n ? n * 2 : 0;
	struct gosan_frame *frames = g->first_frames;

	if (n >= FRAMES_MAX || !g->cid) /* nobody is used by several threads */
		return false;
	if (!room)
		room = sizeof(g->first_frames) / sizeof(g->first_frames[0]);
	else if (!(frames = gosan_mem_alloc(room * sizeof(*frames))))
		return false;
	for (size_t i = 0; i < n; i++)
		frames[i] = g->frames[i];
	if (g->frames && g->frames != g->first_frames)
		gosan_mem_free(g->frames, n * sizeof(*frames));
	g->frames = g->frame_floor = frames;
	g->frame = frames + n;
	g->frame_end = frames + room;
	return true;
}

/* Calls for which there is no room have the context of the last that had. */
void gosan_context_enter_slow(struct gosan_g *g, uint64_t pc, uintptr_t callee)
{
	if (!g->frames_over && grow(g)) {
		gosan_context_enter(g, pc, callee);
		return;
	}
	if (!g->frames_over++)
		GOSAN_COUNT(stacks_lost);
	g->frame_floor = g->frame_end;
}

void gosan_context_leave_slow(struct gosan_g *g)
{
	if (g->frames_over && !--g->frames_over)
		g->frame_floor = g->frames;
}

/* No table of places comes again: the misses are over their limit. */
void gosan_context_end(struct gosan_g *g)
{
	struct gosan_places *places = g->places;

	g->places = NULL;
	gosan_mem_free(places, sizeof(*places));
	if (!g->is_thread)
		gosan_context_drop(g);
}

void gosan_context_drop(struct gosan_g *g)
{
	gosan_mem_free(g->places, sizeof(*g->places));
	g->places = NULL;
	if (g->frames && g->frames != g->first_frames)
		gosan_mem_free(g->frames, (size_t)(g->frame_end - g->frames) * sizeof(*g->frames));
	g->frames = g->frame = g->frame_end = g->frame_floor = NULL;
	g->frames_over = 0;
}

size_t gosan_context_depth(const struct gosan_g *g)
{
	return (size_t)(g->frame - g->frames) + g->frames_over;
}

void gosan_context_unwind(struct gosan_g *g, size_t depth)
{
	size_t kept = (size_t)(g->frame - g->frames);

	if (depth > kept + g->frames_over)
		return;
	g->frames_over = depth > kept ? (uint32_t)(depth - kept) : 0;
	if (depth < kept)
		g->frame = g->frames + depth;
	g->frame_floor = g->frames_over ? g->frame_end : g->frames;
}

void gosan_context_adopt(struct gosan_g *to, const struct gosan_g *from)
{
	if (to->frame != to->frames)
		return;
	for (const struct gosan_frame *f = from->frames; f < from->frame; f++) {
		gosan_context_enter(to, f->pc, f->callee);
		if (to->frame > to->frames)
			to->frame[-1].ctx = f->ctx;
	}
}

/* Each call is looked up at most once. */
uint32_t gosan_context_resolve(struct gosan_g *g)
{
	struct gosan_frame *f = g->frame;
	uint32_t ctx;

	while (f > g->frames && !f[-1].ctx)
		f--;
	ctx = f > g->frames ? f[-1].ctx : 0;
	for (; f < g->frame; f++)
		f->ctx = ctx = gosan_context_call(ctx, f->pc, f->callee);
	return ctx;
}

static uint32_t lock_step(uint32_t set, const struct gosan_held *h)
{
	return gosan_context_child(set, (uint64_t)(h->obj ? h->obj->id : 0) << 32 | h->stack);
}

static uint32_t find_set(const struct gosan_g *g)
{
	uint32_t set = LOCK_ROOT;

	for (size_t i = 0; i < g->n_held; i++)
		set = lock_step(set, &g->held[i]);
	return set;
}

/* Of one lock, from the thread's table if it has one. */
static uint32_t find_single(const struct gosan_g *g, const struct gosan_held *h)
{
	struct found_set *e;

	if (!g->places || !h->obj)
		return find_set(g);
	e = &g->places->set[(h->obj->id ^ h->stack) % SETS];
	if (e->obj != h->obj->id || e->stack != h->stack)
		*e = (struct found_set){h->obj->id, h->stack, find_set(g)};
	return e->set;
}

/* One lock is the common case: its set is remembered until another lock, or the same at another place, is held. Larger
 * ones as long as nothing moved. */
static inline uint32_t lock_set(struct gosan_g *g)
{
	const struct gosan_held *h = g->held;

	if (g->n_held != 1) {
		if (!g->larger_set || g->set_moves != g->held_moves)
			g->larger_set = find_set(g);
		g->set_moves = g->held_moves;
		return g->larger_set;
	}
	if (g->set_of == h->obj && g->set_stack == h->stack && g->set)
		return g->set;
	g->set_of = h->obj;
	g->set_stack = h->stack;
	g->set = find_single(g, h);
	return g->set;
}

/* The entry for a place, filled or to be filled. */
static inline struct found *entry_of(const struct gosan_g *g, uint64_t pc, uint32_t ctx, uint32_t set)
{
	uint64_t h = pc ^ (uint64_t)ctx << 20 ^ (uint64_t)set << 40;

	if (g->places)
		return &g->places->place[h * UINT64_C(0x9e3779b97f4a7c15) >> (64 - PLACE_BITS)];
	return &recent[h * UINT64_C(0x9e3779b97f4a7c15) >> (64 - RECENT_BITS)];
}

static __attribute__((noinline)) uint32_t find_place(struct gosan_g *g, struct found *e, uint64_t pc,
						     uint32_t ctx, uint32_t set)
{
	uint32_t place = gosan_context_child(ctx, pc);

	if (set)
		place = gosan_context_child(place, LOCKED | set);
	*e = (struct found){pc, ctx, set, place};
	if (g->is_thread && !g->is_fiber && !g->places && g->place_misses++ == MISSES)
		g->places = gosan_mem_alloc(sizeof(*g->places));
	return place;
}

static inline bool is_it(const struct found *e, uint64_t pc, uint32_t ctx, uint32_t set)
{
	return e->pc == pc && e->ctx == ctx && e->set == set && e->place;
}

/* Two places of one hash live side by side in a thread's table, the newer one first. */
uint32_t gosan_context_place(struct gosan_g *g, uintptr_t pc)
{
	uint32_t ctx = gosan_context_now(g), set = g->n_held ? lock_set(g) : 0;
	struct found *e = entry_of(g, pc, ctx, set), *other = e;

	if (__builtin_expect(is_it(e, pc, ctx, set), 1))
		return e->place;
	if (g->places) {
		size_t i = (size_t)(e - g->places->place);

		other = &g->places->place[i ^ 1];
		if (is_it(other, pc, ctx, set))
			return other->place;
		*other = *e;
	}
	return find_place(g, e, pc, ctx, set);
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
