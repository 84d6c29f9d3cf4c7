/* SPDX-License-Identifier: Apache-2.0
 *
 * race.c: which conflicts are reported, how often, and in which words: GS101 and GS102.
 *
 * Policy
 *  - One finding per pair of code places and object. A pair that goes on racing on ever new objects (the
 *    elements of an array) is reported for the first OBJECTS_MAX of them, and counted.
 *  - x++ against x++ is one bug: after a report, the same goroutine's further accesses of those bytes in the
 *    same epoch don't race with the same old access again.
 *  - A title names both functions and the object and nothing that depends on which access came first.
 *  - One use of a freed block is enough: its other marks are dropped, because whatever comes next has the
 *    same cause.
 *  - Goroutines that use a thread-local variable of the thread that runs them take turns: no finding. The old
 *    access may have been made through a pointer by another thread; this can't be told, and is missed.
 *  - An access of memory that was freed while it is part of a module or of the accessor's own stack now
 *    means that the block's pages were unmapped and mapped again without us: no finding.
 */
#include "race.h"

#include "benign.h"
#include "context.h"
#include "depot.h"
#include "descriptor.h"
#include "finding.h"
#include "heap.h"
#include "module.h"
#include "object.h"
#include "recorder.h"
#include "shadow.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#define SEEN_BITS   14
#define SEEN_TRIES  8
#define OBJECTS_MAX 16

/* Keys of what was reported. Written under the engine lock, read without: a key that is missed costs only
 * the way to the lock. */
static uint64_t seen[1u << SEEN_BITS];

/* How many objects of a pair of places were reported. A pair whose place another takes begins anew: it is told of more
 * objects than it should be, but a pair is never silent for another's sake. Under the engine lock. */
static struct objects {
	uint64_t places;
	unsigned n;
} objects_of[1u << SEEN_BITS];

struct side {
	const struct gosan_g *g;
	unsigned flags;
	size_t size;
	uint32_t place, stack;
	uintptr_t pc;
	size_t n_locks;
	struct gosan_context_lock locks[GOSAN_LOCKS_MAX];
};

/* The pair, as a report sees it. */
struct pair {
	const struct gosan_race *r;
	struct side now, then;
	uintptr_t block;
	size_t block_size;
	uint32_t block_stack;
	bool on_heap;
	const struct gosan_g *stack_of;
	int fd;           /* a descriptor is used and closed; -1: memory */
	uint32_t fd_made; /* place */
	uint64_t places, key;
};

/* Addresses, epochs and program counters differ in few bits, so each input bit has to reach every output bit
 * (the finalizer of MurmurHash3, Appleby): a weaker mixing made two meetings of one run collide, and hid a
 * race. Then no two of a run's few thousand keys are equal in practice. */
static uint64_t mix(uint64_t a, uint64_t b)
{
	uint64_t h = a * UINT64_C(0x9e3779b97f4a7c15) + (b << 32 | b >> 32) + UINT64_C(0x632be59bd9b4e019);

	h = (h ^ h >> 33) * UINT64_C(0xff51afd7ed558ccd);
	h = (h ^ h >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
	return h ^ h >> 33;
}

/* Order-independent, so that the same bug has the same key whichever access came first. */
static uint64_t places_key(uintptr_t a, uintptr_t b, bool is_free)
{
	return mix(mix(a < b ? a : b, a < b ? b : a), is_free);
}

/* Look a key up, and perhaps add it. A full neighbourhood forgets its oldest: then a bug goes the long way once
 * more, and finding.c, which knows it by its dedup word, counts it. */
static bool is_seen(uint64_t key, bool add)
{
	size_t mask = (1u << SEEN_BITS) - 1;

	for (size_t i = 0; i < SEEN_TRIES; i++) {
		uint64_t *e = &seen[(key + i) & mask], v = __atomic_load_n(e, __ATOMIC_RELAXED);

		if (v == key)
			return true;
		if (v == 0) {
			if (add)
				__atomic_store_n(e, key, __ATOMIC_RELAXED);
			return false;
		}
	}
	if (add)
		__atomic_store_n(&seen[key & mask], key, __ATOMIC_RELAXED);
	return false;
}

/* Of a side beside enum gosan_access_flags: what was accessed stands for a descriptor; the write is the birth of the block
 * (heap.c). */
#define DESCRIPTOR (1u << 8)
#define BIRTH      (1u << 9)

/* The words of the JSON contract. */
static const char *op_name(unsigned flags)
{
	if (flags & DESCRIPTOR)
		return flags & GOSAN_WRITE ? "close" : "use";
	if (flags & BIRTH)
		return "alloc";
	if (flags & GOSAN_FREE)
		return "free";
	if (flags & GOSAN_ATOMIC)
		return flags & GOSAN_WRITE ? "atomic-write" : "atomic-read";
	return flags & GOSAN_WRITE ? "write" : "read";
}

/* As the report's other parts call it. */
static const char *who(const struct gosan_g *g, char *buf, size_t size)
{
	if (!g)
		snprintf(buf, size, "an unknown goroutine");
	else if (g->is_system)
		snprintf(buf, size, "the system");
	else if (g->id == 1)
		snprintf(buf, size, "the main goroutine");
	else if (g->id)
		snprintf(buf, size, "goroutine %llu", (unsigned long long)g->id);
	else
		snprintf(buf, size, "thread %u", g->tid);
	return buf;
}

/* The main thread's stack: the only one whose bounds nobody tells. */
static bool on_main_stack(uintptr_t addr)
{
	extern void *__libc_stack_end __attribute__((weak));
	uintptr_t top = &__libc_stack_end ? (uintptr_t)__libc_stack_end : 0;
	struct rlimit limit;
	uintptr_t room = (uintptr_t)8 << 20;

	if (getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur < ((rlim_t)1 << 30))
		room = (uintptr_t)limit.rlim_cur;
	return addr < top && addr >= top - room;
}

/* Stacks are used again: the living owner is the right one, and among the dead the last. */
static const struct gosan_g *stack_owner(uintptr_t addr)
{
	const struct gosan_g *dead = NULL, *first = NULL;

	for (const struct gosan_g *g = gosan_engine_all(); g; g = g->next) {
		first = g->is_system ? first : g;
		if (addr < g->stack_lo || addr >= g->stack_hi)
			continue;
		if (!g->ended)
			return g;
		dead = dead ? dead : g;
	}
	return dead ? dead : on_main_stack(addr) ? first : NULL;
}

/* One of the two accesses. Everything comes from its place, so the old one is told as exactly as the new. */
static void fill_side(struct side *s, const struct gosan_g *g, unsigned flags, size_t size, uint32_t place)
{
	s->g = g;
	s->flags = flags;
	s->size = size;
	s->place = place;
	s->pc = gosan_context_pc(place);
	s->stack = gosan_context_stack(place);
	s->n_locks = gosan_context_locks(place, s->locks, GOSAN_LOCKS_MAX);
}

/* What the address is: a block, a stack or a global decides which conflicts are the same bug. */
static void locate(struct pair *p)
{
	uintptr_t addr = p->r->addr;
	uint64_t what = addr & ~(uintptr_t)7;

	if (!gosan_descriptor_is(addr, &p->fd, &p->fd_made))
		p->fd = -1;
	p->on_heap = p->fd < 0 && gosan_heap_find(addr, &p->block, &p->block_size, &p->block_stack);
	if (!p->on_heap && p->fd < 0)
		p->stack_of = stack_owner(addr);
	if (p->fd >= 0)
		what = p->fd_made;
	else if (p->on_heap)
		what = (uint64_t)gosan_depot_id(p->block_stack) << 32 | (addr - p->block);
	else if (p->stack_of)
		what = gosan_depot_id(p->stack_of->created_stack);
	p->key = mix(p->places, what);
}

/* See the policy above: memory that came and went without us. */
static bool is_stale_free(const struct gosan_race *r)
{
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);
	const struct gosan_g *g = r->g;

	if ((r->flags | r->old_flags) & GOSAN_FREE) {
		if (gosan_module_find(r->addr) || (r->addr >= g->stack_lo && r->addr < g->stack_hi))
			return true;
		return r->addr >= here && r->addr - here < 65536;
	}
	return false;
}

/* The two goroutines, at these moments, on these bytes. */
static uint64_t meeting_key(const struct gosan_race *r)
{
	struct gosan_stamp then = r->old_at;
	uint64_t who_then = (uint64_t)then.cid << 32 | then.epoch;
	uint64_t who_now = (uint64_t)r->g->cid << 32 | r->g->epoch;

	return mix(mix(who_then, who_now), mix(r->addr, r->both));
}

/* May this pair be reported now? Under the engine lock. */
static bool admit(struct pair *p)
{
	struct objects *o = &objects_of[p->places & ((1u << SEEN_BITS) - 1)];

	if (o->places != p->places)
		*o = (struct objects){.places = p->places};
	if (is_seen(meeting_key(p->r), true))
		return false;
	if (o->n >= OBJECTS_MAX) {
		if (!is_seen(p->places, true))
			GOSAN_COUNT(pairs_cut);
		return false;
	}
	if (is_seen(p->key, true))
		return false;
	o->n++;
	return true;
}

/* The locks are those of the moment of the access, not of now. */
static void add_part(struct gosan_finding *f, const char *role, const struct side *s)
{
	struct gosan_part *part = gosan_finding_part(f, role, s->g, op_name(s->flags), s->stack);

	part->size = s->size;
	part->n_locks = s->n_locks;
	for (size_t i = 0; i < s->n_locks; i++) {
		part->locks[i].obj = gosan_object_by_id(s->locks[i].obj);
		part->locks[i].stack = s->locks[i].stack;
	}
}

/* The main goroutine was not started by anybody's go statement. */
static void tell_birth(struct gosan_finding *f, const struct gosan_g *g)
{
	if (g && g->id != 1 && g->parent && g->created_stack)
		gosan_finding_story(f, g->parent, g->created_stack, "%s %s%s", g->is_thread ? "create" : "go",
				    g->fn_name ? g->fn_name : "thread", g->fn_name ? "()" : "");
}

/* The rwmutex that both sides hold, which then both hold for reading: a writer would have been ordered. */
static const struct gosan_obj *read_by_both(const struct pair *p)
{
	for (size_t i = 0; i < p->now.n_locks; i++)
		for (size_t j = 0; j < p->then.n_locks; j++) {
			const struct gosan_obj *l = gosan_object_by_id(p->now.locks[i].obj);

			if (l && p->now.locks[i].obj == p->then.locks[j].obj && l->kind == GOSAN_OBJ_RWMUTEX)
				return l;
		}
	return NULL;
}

/* At most two locks: the story shows the interleaving, the participants list all. */
static void tell_side(struct gosan_finding *f, const struct side *s, const struct gosan_obj *read, bool last)
{
	for (size_t i = 0; i < s->n_locks && i < 2; i++) {
		const struct gosan_obj *l = gosan_object_by_id(s->locks[i].obj);

		gosan_finding_story(f, s->g, s->locks[i].stack, "%s {var:0x%llx}",
				    l && l == read ? "rlock" : "lock", (unsigned long long)(l ? l->addr : 0));
	}
	if (s->flags & (GOSAN_FREE | DESCRIPTOR | BIRTH))
		gosan_finding_story(f, s->g, s->stack, "%s%s", op_name(s->flags),
				    last ? "    <-- unordered" : "");
	else
		gosan_finding_story(f, s->g, s->stack, "%s %zu byte%s%s", op_name(s->flags), s->size,
				    s->size == 1 ? "" : "s", last ? "    <-- unordered" : "");
}

/* Threads have no go statement. */
static const char *common_event(const struct pair *p, uint32_t *ret_stack)
{
	const char *event = gosan_hb_last_common(p->then.g, p->now.g, ret_stack);

	if (event && strcmp(event, "go statement") == 0 && p->now.g->is_thread && p->then.g->is_thread)
		return "creation of a thread";
	return event;
}

/* One sentence: what ordered the two last, if that is known for sure. */
static void say_why(struct gosan_finding *f, const struct pair *p)
{
	char a[48], b[48];
	uint32_t stack = 0;
	const char *event = common_event(p, &stack);
	size_t n = 0;
	const uintptr_t *pcs = gosan_depot_get(stack, &n);

	who(p->then.g, a, sizeof(a));
	who(p->now.g, b, sizeof(b));
	if (p->r->ordered)
		snprintf(f->why, sizeof(f->why), "%s touches the block after it was freed at {pc:0x%llx}", b,
			 (unsigned long long)p->then.pc);
	else if (event && n)
		snprintf(f->why, sizeof(f->why),
			 "nothing orders the two: the last event that ordered %s before %s was the %s at "
			 "{pc:0x%llx}, "
			 "and the %s came after it",
			 a, b, event, (unsigned long long)pcs[0], op_name(p->then.flags));
	else
		snprintf(f->why, sizeof(f->why), "nothing that %s did after its %s tells %s that it is done",
			 a, op_name(p->then.flags), b);
}

/* Then the race is about something else: a read lock against a write, or a lock that was let go in between. */
static bool same_lock(const struct side *a, const struct side *b)
{
	for (size_t i = 0; i < a->n_locks; i++)
		for (size_t j = 0; j < b->n_locks; j++)
			if (a->locks[i].obj == b->locks[j].obj)
				return true;
	return false;
}

static void advise_lock(struct gosan_finding *f, const struct side *with, const struct side *without)
{
	const struct gosan_obj *l = gosan_object_by_id(with->locks[0].obj);

	snprintf(f->help, sizeof(f->help),
		 "hold %s {var:0x%llx} at {pc:0x%llx} too, as the other access does",
		 l ? gosan_finding_kind_name(l->kind) : "lock", (unsigned long long)(l ? l->addr : 0),
		 (unsigned long long)without->pc);
}

/* The goroutine of the pair that was started by the owner of the stack that the address lies on. */
static const struct gosan_g *captured_by(const struct pair *p)
{
	const struct gosan_g *owner = p->stack_of;

	if (!owner)
		return NULL;
	if (p->now.g && p->now.g != owner && p->now.g->parent == owner)
		return p->now.g;
	return p->then.g && p->then.g != owner && p->then.g->parent == owner ? p->then.g : NULL;
}

/* One line, the most particular one that applies. */
static void say_help(struct gosan_finding *f, const struct pair *p)
{
	const struct gosan_g *child = captured_by(p);
	const struct side *a = &p->now, *b = &p->then;
	const struct gosan_obj *read = read_by_both(p);
	char name[48];

	if (p->fd >= 0) {
		snprintf(f->help, sizeof(f->help),
			 "close it after the last use: join the thread that uses it, or let that one close "
			 "it");
	} else if (f->code == 102) {
		snprintf(f->help, sizeof(f->help),
			 p->r->ordered ? "free the block after its last use, or keep no pointer to it"
				       : "wait for the other goroutine (a WaitGroup, a channel or a join) "
					 "before the block is freed");
	} else if (child) {
		snprintf(f->help, sizeof(f->help),
			 "%s got a pointer to a variable on the stack of its creator: pass "
			 "the value as an argument of the go statement instead",
			 who(child, name, sizeof(name)));
	} else if (read) {
		snprintf(f->help, sizeof(f->help),
			 "both hold {var:0x%llx}, but for reading only: lock it for writing around the write",
			 (unsigned long long)read->addr);
	} else if (a->n_locks && !b->n_locks) {
		advise_lock(f, a, b);
	} else if (b->n_locks && !a->n_locks) {
		advise_lock(f, b, a);
	} else if (a->n_locks && !same_lock(a, b)) {
		snprintf(f->help, sizeof(f->help),
			 "both hold a lock, but not the same one: protect {obj} by one lock");
	} else if ((a->flags ^ b->flags) & GOSAN_ATOMIC) {
		snprintf(f->help, sizeof(f->help),
			 "one access is atomic, the other is not: make both atomic");
	} else {
		snprintf(f->help, sizeof(f->help),
			 "protect {obj} by a lock, make it atomic, or hand it over a channel");
	}
}

/* {fn:..} and {obj} are names once the tool has looked them up; it also puts the two functions in order. */
static void say_title(struct gosan_finding *f, const struct pair *p)
{
	unsigned long long a = p->now.pc, b = p->then.pc;

	if (p->fd >= 0)
		snprintf(f->title, sizeof(f->title),
			 "use and close of {obj} not ordered in {fn:0x%llx} / {fn:0x%llx}", a, b);
	else if (f->code == 101)
		snprintf(f->title, sizeof(f->title), "data race on {obj} in {fn:0x%llx} / {fn:0x%llx}", a, b);
	else if (p->r->ordered)
		snprintf(f->title, sizeof(f->title),
			 "use of {obj} in {fn:0x%llx} after its free in {fn:0x%llx}", a, b);
	else
		snprintf(f->title, sizeof(f->title),
			 "use and free of {obj} not ordered in {fn:0x%llx} / {fn:0x%llx}", a, b);
}

/* "" leaves it to the tool, which can ask the debug information for the address. A descriptor's address is its number. */
static void say_object(struct gosan_finding *f, const struct pair *p)
{
	if (p->fd >= 0) {
		f->obj_kind = "descriptor";
		f->addr = (uintptr_t)p->fd;
		f->obj_created = gosan_context_stack(p->fd_made);
		return;
	}
	f->addr = p->r->addr;
	f->size = p->r->flags & GOSAN_FREE ? p->then.size : p->now.size;
	f->obj_kind = p->on_heap                      ? "heap"
		      : p->stack_of                   ? "stack"
		      : gosan_module_find(p->r->addr) ? "global"
						      : "";
	if (p->on_heap) {
		f->block = p->block;
		f->block_size = p->block_size;
		f->obj_created = p->block_stack;
	} else if (p->stack_of) {
		f->stack_of = p->stack_of;
		f->block = p->stack_of->stack_lo;
		f->block_size = p->stack_of->stack_hi - p->stack_of->stack_lo;
	}
}

static void write_finding(struct pair *p, int code)
{
	struct gosan_finding *f = gosan_finding_begin(code);

	say_title(f, p);
	say_object(f, p);
	add_part(f, "current", &p->now);
	add_part(f, "previous", &p->then);
	tell_birth(f, p->then.g);
	if (p->now.g != p->then.g)
		tell_birth(f, p->now.g);
	tell_side(f, &p->then, read_by_both(p), false);
	tell_side(f, &p->now, read_by_both(p), !p->r->ordered);
	say_why(f, p);
	say_help(f, p);
	f->dedup = p->key;
	gosan_finding_emit(f);
}

/* An access at the very place where the block was allocated. */
static unsigned birth(const struct pair *p, const struct side *s)
{
	return p->on_heap && s->flags == GOSAN_WRITE && s->stack == p->block_stack ? BIRTH : 0;
}

/* Under the engine lock. */
static void report_locked(const struct gosan_race *r, uint64_t places, int code)
{
	struct pair p = {.r = r, .places = places};
	const struct gosan_g *then = gosan_engine_whose(r->old_at);

	locate(&p);
	if (!admit(&p))
		return;
	fill_side(&p.now, r->g, r->flags, r->size, r->place);
	fill_side(&p.then, then, r->old_flags, (size_t)__builtin_popcount(r->old_bytes), r->old_place);
	p.now.flags |= birth(&p, &p.now);
	p.then.flags |= birth(&p, &p.then);
	if (p.fd >= 0) {
		p.now.flags |= DESCRIPTOR;
		p.then.flags |= DESCRIPTOR;
		p.now.size = p.then.size = 0;
	}
	if (p.then.flags & GOSAN_FREE)
		p.then.size = p.block_size;
	if (p.now.flags & GOSAN_FREE)
		p.now.size = p.block_size;
	write_finding(&p, code);
}

bool (*gosan_race_own_tls)(uintptr_t addr);

/* See the policy above. Not under the engine lock. */
static bool is_own_tls(const struct gosan_race *r)
{
	const struct gosan_g *then;
	bool goroutine;

	if (!r->g->id ||
	    !gosan_recorder_answer(GOSAN_TRACE_OWN_TLS,
				   (gosan_race_own_tls ? gosan_race_own_tls : gosan_module_own_tls)(r->addr)))
		return false;
	gosan_engine_lock();
	then = gosan_engine_whose(r->old_at);
	goroutine = then && then->id;
	gosan_engine_unlock();
	return goroutine;
}

/* Cheap when it is known: a loop that races comes here with every turn. The linker is asked before the engine
 * lock is taken (module.c). */
void gosan_race_found(const struct gosan_race *r)
{
	bool is_free = (r->flags | r->old_flags) & GOSAN_FREE;
	uint64_t places = places_key(gosan_context_pc(r->place), gosan_context_pc(r->old_place), is_free);
	uint64_t here = mix(places, mix(r->addr, r->both));
	uintptr_t start;
	size_t size;

	if (is_seen(places, false) || is_seen(here, false) || !gosan_check_on("race") || gosan_module_go ||
	    is_stale_free(r) || gosan_benign_has(r->addr))
		return;
	gosan_module_refresh();
	if (is_own_tls(r)) {
		is_seen(here, true);
		return;
	}
	gosan_engine_lock();
	report_locked(r, places, is_free ? 102 : 101);
	is_seen(here, true);
	gosan_engine_unlock();
	if ((r->old_flags & GOSAN_FREE) && gosan_heap_find(r->addr, &start, &size, NULL))
		gosan_shadow_forget(start, size);
}
