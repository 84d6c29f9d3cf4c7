/* SPDX-License-Identifier: Apache-2.0
 *
 * shadow.c: the cells of a granule, and the rule by which they come and go.
 *
 * Invariants of a granule, while its lock bit (in link) is free:
 *  - The cells of its list are its inline cell, if `what` is not 0, and its overflow nodes. In the
 *    overflow list all writes stand before all reads, so that a read, which conflicts with writes only,
 *    can stop early: 10,000 readers of one word stay linear.
 *  - No cell is covered by another that happens after it and is as strong, as far as anybody looked.
 *  - A cell with (cid, epoch) of a running goroutine was put there by that goroutine and nobody else
 *    removes it but gosan_shadow_forget. So the running goroutine may look for a cell of its own without
 *    the lock: what it finds is true, if it is still in this granule's list. Nodes are used again elsewhere
 *    while it walks; the version in link, which every unlock advances, tells.
 *
 * Context: a granule's lock is held for some hundred instructions at most and nothing is called under it
 * but the node pool. `inside` keeps a signal handler that interrupts us out of it: its accesses are
 * counted as lost.
 */
#include "shadow.h"

#include "atomic.h"
#include "context.h"
#include "heap.h"
#include "race.h"
#include "shadowmem.h"

#define PAGE    GOSAN_PAGE
#define TOUCHED GOSAN_PAGE_TOUCHED
#define FREED   GOSAN_PAGE_FREED
#define ATOMIC  GOSAN_PAGE_ATOMIC

/* Limits. A read looks at few other reads: they can't conflict with it, and it only tidies up. But its own
 * cell of an earlier epoch must be found mostly, or the list of a word that many goroutines read again and again
 * would grow with every read; one walk in FULL_WALK epochs goes to the end for that. */
#define VERSION      0x1eu
#define READS_SEEN   16 /* how many reads a read looks at, but for one in FULL_WALK */
#define READS_MET    4  /* and of how many others it asks its clock */
#define FULL_WALK    64
#define STOLEN_AFTER (1u << 26)
#define HITS_MAX     16 /* conflicts told per access and granule; beyond, one more per byte that none touches */

#define FLAG(f) GOSAN_CELL_FLAG(f)

static __thread int inside __attribute__((tls_model("initial-exec")));
static bool forked;

/* One access while it walks. known: what its clock says of the chain asked last. */
struct walk {
	struct gosan_g *g;
	uintptr_t addr;
	size_t size;
	unsigned flags;
	uintptr_t pc; /* when place is not known yet: most accesses never need it */
	uint32_t place;
	uint64_t bytes; /* of the present granule, as in a cell; merged neighbours are not in it */
	uint32_t known_cid, known_epoch;
	size_t n_hits;
	unsigned hit_bytes;
	struct {
		uintptr_t addr;
		uint64_t what;
		uint32_t place;
		unsigned both;
		bool ordered;
	} hits[HITS_MAX + 8];
};

/* Valid for any id that a link ever held: nodes are never unmapped. */
static inline struct gosan_cell *node(uint32_t id)
{
	return &gosan_shadow_nodes[id];
}

/* A granule's lock. A lock bit that nobody clears for seconds (STOLEN_AFTER yields) belonged to a thread that
 * the fork of this process left behind, or to a signal handler's victim that it jumped out of: it is taken
 * over. Returns the first overflow node. */
static uint32_t lock_granule(struct gosan_cell *c)
{
	for (unsigned spins = 0;; spins++) {
		uint32_t link = __atomic_load_n(&c->link, __ATOMIC_RELAXED);

		if (!(link & 1) && __atomic_compare_exchange_n(&c->link, &link, link | 1, false,
							       __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return link >> GOSAN_LINK_FIRST;
		if ((link & 1) && spins > (forked ? 1u << 20 : STOLEN_AFTER))
			return link >> GOSAN_LINK_FIRST;
		gosan_shadowmem_pause(spins);
	}
}

/* The store of link publishes everything that was done under the lock. A granule without a list needs no
 * version: there is nothing to walk. */
static inline void unlock_granule(struct gosan_cell *c, uint32_t first)
{
	uint32_t version = first ? (c->link + 2) & VERSION : 0;

	__atomic_store_n(&c->link, first << GOSAN_LINK_FIRST | version, __ATOMIC_RELEASE);
}

/* The rule. */

/* Two accesses of the same byte conflict when one of them writes and not both are atomic (C11 5.1.2.4p25). A
 * free counts as a plain write of the whole block. */
static inline bool conflict(unsigned a, unsigned b)
{
	return ((a | b) & GOSAN_WRITE) && !(a & b & GOSAN_ATOMIC);
}

/* The same chain: program order, or the order of the goroutines that shared it (chain.c). */
static inline bool is_own(const struct walk *w, uint64_t old)
{
	return (uint32_t)(old & GOSAN_CELL_CID) == w->g->cid;
}

/* Strong order: a race is what no edge of any kind orders in this run. Our own clock needs no lock, because
 * nobody but us changes it while we run. */
static inline bool happens_before_us(struct walk *w, uint64_t old)
{
	uint32_t cid = (uint32_t)(old & GOSAN_CELL_CID);

	if (is_own(w, old))
		return true;
	if (cid != w->known_cid) {
		w->known_cid = cid;
		w->known_epoch = gosan_clock_get(&w->g->strong, cid);
	}
	return w->known_epoch >= (uint32_t)(old >> GOSAN_CELL_EPOCH);
}

/* Note a conflict, to be told when the granule's lock is free again. When there are many, those come first
 * that touch a byte for which none was noted: each racing byte gets at least one report. */
static void hit(struct walk *w, uintptr_t granule, const struct gosan_cell *c, uint64_t both, bool ordered)
{
	if (w->n_hits >= HITS_MAX && !(gosan_cell_bytes(both) & ~w->hit_bytes))
		return;
	w->hit_bytes |= gosan_cell_bytes(both);
	w->hits[w->n_hits].addr = granule + (unsigned)__builtin_ctz(gosan_cell_bytes(both));
	w->hits[w->n_hits].both = gosan_cell_bytes(both);
	w->hits[w->n_hits].what = c->what;
	w->hits[w->n_hits].place = c->place;
	w->hits[w->n_hits++].ordered = ordered;
}

/* Meet one old cell: note a conflict, and take from it the bytes that the new access stands for. Returns
 * true when the cell is empty then. */
static bool meet(struct walk *w, uintptr_t granule, struct gosan_cell *c, uint64_t *what)
{
	uint64_t both = c->what & w->bytes;
	unsigned old = gosan_cell_flags(c->what);
	bool before;

	if (!both) { /* neighbours of one place, such as the bytes of a loop, share a cell */
		if (((c->what ^ *what) & ~GOSAN_CELL_ALL) != 0 || c->place != w->place)
			return false;
		*what |= c->what & GOSAN_CELL_ALL;
		return true;
	}
	/* A free conflicts with what comes after it in any order. */
	before = happens_before_us(w, c->what);
	if (old & GOSAN_FREE ? true : !before && conflict(old, w->flags))
		hit(w, granule, c, both, before);
	if (!before || !gosan_shadow_as_strong(w->flags, old))
		return false;
	__atomic_store_n(&c->what, c->what & ~both, __ATOMIC_RELAXED);
	return !(c->what & GOSAN_CELL_ALL);
}

/* Walk the overflow list: returns its new first node; *ret_write is the last write in it, or 0. *ret_same: a
 * node stands for the access already, the walk ended there. */
static uint32_t walk_nodes(struct walk *w, uintptr_t granule, struct gosan_cell *c, uint32_t first,
			   uint64_t *what, uint32_t *ret_write, bool *ret_same)
{
	uint32_t prev = 0, next;
	unsigned reads = 0;
	bool all = (w->flags & GOSAN_WRITE) || (uint32_t)(*what >> GOSAN_CELL_EPOCH) % FULL_WALK == 0;

	for (uint32_t id = first; id; id = next) {
		struct gosan_cell *n = node(id);
		bool write = gosan_cell_flags(n->what) & GOSAN_WRITE;

		next = n->link;
		if (!write && !all && ++reads > READS_MET && reads <= READS_SEEN && !is_own(w, n->what)) {
			prev = id;
			continue;
		}
		if ((*ret_same = gosan_shadow_stands_for(n->what, *what)) ||
		    (!write && !all && reads > READS_SEEN))
			break;
		if (!meet(w, granule, n, what)) {
			*ret_write = write ? id : *ret_write;
			prev = id;
			continue;
		}
		if (prev)
			node(prev)->link = next;
		else
			first = next;
		gosan_shadowmem_give(c, id);
	}
	return first;
}

/* Move the inline cell into the list: a write to its front, a read behind the last write. */
static uint32_t push_inline(struct gosan_cell *c, uint32_t first, uint32_t last_write)
{
	uint32_t id = gosan_shadowmem_take(c);

	if (!id) {
		GOSAN_COUNT(shadow_lost);
		return first;
	}
	node(id)->place = c->place;
	__atomic_store_n(&node(id)->what, c->what, __ATOMIC_RELAXED);
	if (!last_write || (gosan_cell_flags(c->what) & GOSAN_WRITE)) {
		node(id)->link = first;
		return id;
	}
	node(id)->link = node(last_write)->link;
	node(last_write)->link = id;
	return first;
}

/* The whole step for one granule. The new cell goes inline, because its goroutine will most likely be back; what
 * was inline and is still needed goes into the list. Fast paths read `what` of the inline cell without the
 * lock, so it is always written in one store, and after its place. */
static void check_locked(struct walk *w, uintptr_t granule, struct gosan_cell *c, uint64_t what)
{
	uint32_t first = lock_granule(c), last_write = 0;
	bool keep = c->what != 0, same = keep && gosan_shadow_stands_for(c->what, what);

	if (!same && keep && meet(w, granule, c, &what))
		keep = false;
	if (!same && first)
		first = walk_nodes(w, granule, c, first, &what, &last_write, &same);
	if (!same) {
		if (keep)
			first = push_inline(c, first, last_write);
		c->place = w->place;
		__atomic_store_n(&c->what, what, __ATOMIC_RELAXED);
	} else if (!keep) {
		__atomic_store_n(&c->what, 0, __ATOMIC_RELAXED);
	}
	unlock_granule(c, first);
}

/* A page of a large block that was freed when nothing of it had been accessed: give its granules the cells
 * that the free would have left. The one who clears the bit fills; an access that comes in the meantime may
 * find a granule still empty, and would have raced with the free anyway. */
static __attribute__((noinline)) void fill_freed_page(uintptr_t addr)
{
	uintptr_t page = addr & ~(PAGE - 1);
	unsigned char old =
		__atomic_fetch_and(gosan_shadowmem_state(addr), (unsigned char)~FREED, __ATOMIC_ACQ_REL);
	struct gosan_cell *c = gosan_shadow_cell(page);
	uint64_t what;
	uint32_t place;

	if (!(old & FREED) || !gosan_heap_freed(addr, &what, &place))
		return;
	for (size_t i = 0; i < PAGE / 8; i++) {
		uint32_t first = lock_granule(&c[i]);

		if (!c[i].what) {
			c[i].place = place;
			__atomic_store_n(&c[i].what, what | GOSAN_CELL_ALL, __ATOMIC_RELAXED);
		}
		unlock_granule(&c[i], first);
	}
}

/* Before the lock: is there shadow, did we do this already, is the page in use? TOUCHED is set before the first
 * cell is written, so that forgetting never skips a page with cells. */
static void check_granule(struct walk *w, uintptr_t granule, unsigned bytes)
{
	struct gosan_cell *c = gosan_shadow_cell(granule);
	uint64_t what = gosan_cell_what(w->g, (uint64_t)bytes << GOSAN_CELL_BYTES | FLAG(w->flags));
	unsigned char state;

	if (!c) {
		if (!gosan_shadowmem_map(granule)) {
			GOSAN_COUNT(shadow_lost);
			return;
		}
		c = gosan_shadow_cell(granule);
	}
	if (gosan_shadow_stands_for(__atomic_load_n(&c->what, __ATOMIC_RELAXED), what) ||
	    gosan_shadow_listed(c, what))
		return;
	state = __atomic_load_n(gosan_shadowmem_state(granule), __ATOMIC_RELAXED);
	if (__builtin_expect((state & (TOUCHED | FREED)) != TOUCHED, 0)) {
		gosan_shadowmem_mark(granule, TOUCHED);
		if (state & FREED)
			fill_freed_page(granule);
	}
	w->bytes = what & GOSAN_CELL_ALL;
	if (!w->place)
		w->place = gosan_context_place(w->g, w->pc);
	check_locked(w, granule, c, what);
}

/* No lock is held here: race.c takes the engine's, and may forget the very granule. */
static void report(struct walk *w)
{
	for (size_t i = 0; i < w->n_hits; i++) {
		struct gosan_race r = {
			.g = w->g,
			.addr = w->hits[i].addr,
			.both = w->hits[i].both,
			.size = w->size,
			.flags = w->flags,
			.place = w->place,
			.old_what = w->hits[i].what,
			.old_place = w->hits[i].place,
			.ordered = w->hits[i].ordered,
		};

		gosan_race_found(&r);
	}
	w->n_hits = 0;
	w->hit_bytes = 0;
}

/* Bytes of the granule at `granule` that [addr, end) covers. */
static inline unsigned bytes_in(uintptr_t granule, uintptr_t addr, uintptr_t end)
{
	unsigned lo = addr > granule ? (unsigned)(addr - granule) : 0;
	unsigned hi = end < granule + 8 ? (unsigned)(end - granule) : 8;

	return (0xffu << lo) & (0xffu >> (8 - hi));
}

/* Large copies spend their time in this loop: a whole granule that we accessed in the same way in this epoch
 * is one load and one compare. */
static void walk_range(struct walk *w, uintptr_t addr, uintptr_t end)
{
	uint64_t whole = gosan_cell_what(w->g, GOSAN_CELL_ALL | FLAG(w->flags));

	for (uintptr_t granule = addr & ~(uintptr_t)7; granule < end; granule += 8) {
		if (granule >= addr && end - granule >= 8) {
			const struct gosan_cell *c = gosan_shadow_cell(granule);

			if (__builtin_expect(c && __atomic_load_n(&c->what, __ATOMIC_RELAXED) == whole, 1))
				continue;
		}
		check_granule(w, granule, bytes_in(granule, addr, end));
		if (w->n_hits)
			report(w);
	}
}

/* False when a signal handler came upon our own thread inside. access_epoch tells chain.c that this epoch is
 * in use, before any cell shows it. */
static inline bool enter(struct gosan_g *g)
{
	if (inside) {
		GOSAN_COUNT(shadow_lost);
		return false;
	}
	inside = 1;
	__asm__ volatile("" ::: "memory");
	g->access_epoch = g->epoch;
	return true;
}

static inline void leave(void)
{
	__asm__ volatile("" ::: "memory");
	inside = 0;
}

static void access_range(struct gosan_g *g, uintptr_t addr, size_t size, unsigned flags, uintptr_t pc,
			 uint32_t place)
{
	uintptr_t end = addr + size;
	struct walk w;

	if (end < addr || end > GOSAN_ADDRESS_END || !enter(g))
		return;
	/* One by one: clearing the hits would cost more than most accesses. */
	w.g = g;
	w.addr = addr;
	w.size = size;
	w.flags = flags;
	w.pc = pc;
	w.place = place;
	w.known_cid = UINT32_MAX;
	w.n_hits = 0;
	w.hit_bytes = 0;
	walk_range(&w, addr, end);
	leave();
}

void gosan_shadow_access_at(struct gosan_g *g, uintptr_t addr, size_t size, unsigned flags, uint32_t place)
{
	access_range(g, addr, size, flags, 0, place);
}

void gosan_shadow_access(struct gosan_g *g, uintptr_t addr, size_t size, unsigned flags, uintptr_t pc)
{
	if (__builtin_expect(g->ignored[0] | g->ignored[1], 0) && g->ignored[flags & GOSAN_WRITE])
		return;
	access_range(g, addr, size, flags, pc, 0);
}

/* A block of 1 GiB of which little was used costs a bit per page, not a cell per granule. */
void gosan_shadow_free(struct gosan_g *g, uintptr_t addr, size_t size, uint32_t place)
{
	uintptr_t end = addr + size, next;

	if (end < addr || end > GOSAN_ADDRESS_END)
		return;
	for (; addr < end; addr = next) {
		next = (addr & ~(PAGE - 1)) + PAGE;
		if (next > end || (addr & (PAGE - 1))) {
			next = next > end ? end : next;
		} else if (gosan_shadow_cell(addr) || gosan_shadowmem_map(addr)) {
			if (!(__atomic_load_n(gosan_shadowmem_state(addr), __ATOMIC_RELAXED) & TOUCHED)) {
				__atomic_fetch_or(gosan_shadowmem_state(addr), FREED, __ATOMIC_RELAXED);
				continue;
			}
		}
		gosan_shadow_access_at(g, addr, next - addr, GOSAN_WRITE | GOSAN_FREE, place);
	}
}

/* Forgetting. */

/* Take these bytes out of every cell of a granule; free what is empty then. */
static void forget_listed(struct gosan_cell *c, uint64_t bytes)
{
	uint32_t first = lock_granule(c), prev = 0, next;

	__atomic_store_n(&c->what, c->what & bytes ? c->what & ~bytes : c->what, __ATOMIC_RELAXED);
	if (!(c->what & GOSAN_CELL_ALL))
		__atomic_store_n(&c->what, 0, __ATOMIC_RELAXED);
	for (uint32_t id = first; id; id = next) {
		next = node(id)->link;
		__atomic_store_n(&node(id)->what, node(id)->what & ~bytes, __ATOMIC_RELAXED);
		if (node(id)->what & GOSAN_CELL_ALL) {
			prev = id;
			continue;
		}
		if (prev)
			node(prev)->link = next;
		else
			first = next;
		gosan_shadowmem_give(c, id);
	}
	unlock_granule(c, first);
}

/* Whole granules without a list need no lock: a racing access can at most lose its cell, to the same end as
 * if it had come a moment earlier. */
static void forget_granules(uintptr_t addr, uintptr_t end)
{
	struct gosan_cell *c = gosan_shadow_cell(addr);

	for (uintptr_t granule = addr & ~(uintptr_t)7; granule < end; granule += 8, c++) {
		unsigned bytes = bytes_in(granule, addr, end);

		if (bytes == 0xff && !(__atomic_load_n(&c->link, __ATOMIC_RELAXED) & ~VERSION))
			__atomic_store_n(&c->what, 0, __ATOMIC_RELAXED);
		else if (c->what || c->link)
			forget_listed(c, (uint64_t)bytes << GOSAN_CELL_BYTES);
	}
}

/* [addr, end) within one page. A page of a freed block of which only a part is used again gets its cells first:
 * the rest of it stays freed. */
static void forget_page(uintptr_t addr, uintptr_t end)
{
	unsigned char *s = gosan_shadowmem_state(addr), state = __atomic_load_n(s, __ATOMIC_RELAXED);

	if (!state)
		return;
	if (state & FREED) {
		if (end - addr < PAGE)
			fill_freed_page(addr);
		else
			__atomic_fetch_and(s, (unsigned char)~FREED, __ATOMIC_RELAXED);
	}
	if (state & ATOMIC) {
		gosan_atomic_forget(addr, end - addr);
		if (end - addr == PAGE)
			__atomic_fetch_and(s, (unsigned char)~ATOMIC, __ATOMIC_RELAXED);
	}
	if (state & TOUCHED || end - addr < PAGE)
		forget_granules(addr, end);
}

/* Regions and pages that nobody touched are skipped: forgetting a stack of 8 MiB that was used for two pages
 * costs two pages. `inside` is set so that a signal handler does not meet half of it. */
void gosan_shadow_forget(uintptr_t addr, size_t size)
{
	uintptr_t end = addr + size, next;
	bool outer = !inside;

	if (end < addr || end > GOSAN_ADDRESS_END)
		return;
	inside = 1;
	__asm__ volatile("" ::: "memory");
	for (; addr < end; addr = next) {
		next = (addr & ~(PAGE - 1)) + PAGE;
		if (!gosan_shadow_cell(addr))
			next = (addr & ~(GOSAN_REGION - 1)) + GOSAN_REGION;
		else
			forget_page(addr, next < end ? next : end);
	}
	if (outer)
		leave();
}

void gosan_shadow_mark_atomic(uintptr_t addr)
{
	if (addr < GOSAN_ADDRESS_END && (gosan_shadow_cell(addr) || gosan_shadowmem_map(addr)))
		gosan_shadowmem_mark(addr, ATOMIC);
}

void gosan_shadow_fork_child(void)
{
	forked = true;
	inside = 0;
	gosan_shadowmem_fork_child();
}
