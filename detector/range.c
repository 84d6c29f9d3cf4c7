/* SPDX-License-Identifier: Apache-2.0
 *
 * range.c: copies, fills and frees: many granules with the same answer.
 *
 * Three things make them cheap; each is exact.
 *
 * - A page that this moment went over as a whole says so in one word beside its state (gosan_shadowmem_whole). The word is
 *   a cell without a place. It stays true as long as cells of a running goroutine's present moment stay where they
 *   are: granule.c's invariant. Who takes such cells away, a free or the forgetting of memory, clears the word.
 * - A look over eight granules at once tells whether the access repeats.
 * - What granule.c made of one granule it would make of each that has the same two cells: the rule asks for nothing
 *   but those, the access and the goroutine's clock. So a run of like granules is written without asking again, and
 *   without a lock for each:
 *
 *      writer of a run                    writer of one granule
 *        page's state |= BUSY               lock the granule
 *        is the granule locked? wait        is the page BUSY? unlock, wait, begin again
 *        write cells and second place
 *
 *   Both first steps are atomic read-modify-writes, so at least one of the two sees the other (Dekker). The writer of a
 *   run never waits while somebody waits for it: who sees BUSY gives the granule back first. And it never writes the
 *   word that has the lock, so it can't take away what another is just setting: its cell goes into the second
 *   lane, whose place shares no word with it.
 */
#include "range.h"

#include "context.h"

#define PAGE          GOSAN_PAGE
#define RUN_MIN       4 /* granules: shorter runs are not worth two atomic operations */
#define PAGE_GRANULES (PAGE / 8)
#define AHEAD         8

/* Word by word, as gosan_granule has them: two cells, two places. */
typedef uint32_t quad __attribute__((vector_size(16), may_alias));

/* How many granules from s on have a cell that stands for the access, all in the same lane for each AHEAD of them.
 * A bit is the same in all of them when their AND and their OR agree. The loads are wide: a cell that another
 * goroutine writes meanwhile is not ours, and ours nobody writes. */
static inline size_t repeated(const struct gosan_walk *w, const struct gosan_granule *s, size_t n)
{
	uint32_t cell = w->want | GOSAN_CELL_ALL, asked = ~GOSAN_CELL_LOW | cell;
	size_t at;

	for (at = 0; n - at >= AHEAD; at += AHEAD) {
		const quad *q = (const quad *)&s[at];
		quad any = q[0], all = q[0];

		for (size_t i = 1; i < AHEAD; i++) {
			any |= q[i];
			all &= q[i];
		}
		if (((((any[0] ^ cell) | (all[0] ^ cell)) & asked) != 0) &&
		    ((((any[1] ^ cell) | (all[1] ^ cell)) & asked) != 0))
			break;
	}
	return at;
}

/* What the two cells of a granule become, by what became of the last one; 0: nobody knows. */
static inline uint64_t outcome(const struct gosan_walk *w, uint64_t cells)
{
	if (!cells)
		return (uint64_t)(w->want | GOSAN_CELL_ALL) << 32;
	return cells == w->was ? w->now : 0;
}

static inline uint64_t cells_of(const struct gosan_granule *s)
{
	return __atomic_load_n(&s->cells, __ATOMIC_RELAXED);
}

/* Who locks a granule behind our back finds us and gives it back. */
static __attribute__((noinline, cold)) void wait_unlocked(const struct gosan_granule *s)
{
	for (unsigned i = 0; __atomic_load_n(&s->places, __ATOMIC_ACQUIRE) & GOSAN_GRANULE_LOCK; i++)
		gosan_shadowmem_pause(i);
}

/* Writes the granules that have the cells `was`, which `now` is the outcome of. Returns how many. One test for all that stops it: this loop is
 * what fills and frees spend their time in. */
static __attribute__((noinline)) size_t write_run(unsigned char *state, struct gosan_granule *s, size_t n,
						  uint64_t was, uint64_t now, uint32_t place)
{
	const uint64_t stop = GOSAN_GRANULE_LOCK | GOSAN_GRANULE_LISTED;
	size_t i = 0;

	gosan_shadowmem_busy_begin(state);
	while (i < n) {
		uint64_t places = __atomic_load_n(&s[i].places, __ATOMIC_ACQUIRE);

		if (__builtin_expect(((cells_of(&s[i]) ^ was) | (places & stop)) != 0, 0)) {
			if (!(places & GOSAN_GRANULE_LOCK))
				break;
			wait_unlocked(&s[i]);
			continue;
		}
		__atomic_store_n(&s[i].cells, now, __ATOMIC_RELAXED);
		__atomic_store_n(&s[i].place[1], place, __ATOMIC_RELAXED);
		i++;
	}
	gosan_shadowmem_busy_end(state);
	return i;
}

/* Is a run of this length to be expected here? */
static bool promises(const struct gosan_walk *w, const struct gosan_granule *s, size_t n)
{
	uint64_t cells = cells_of(s);

	return n >= RUN_MIN && outcome(w, cells) && cells_of(&s[RUN_MIN / 2]) == cells &&
	       cells_of(&s[RUN_MIN - 1]) == cells;
}

/* Others may have come to the first granule since it promised something: its cells are read once, and what they become
 * is asked of the same. 0: that is not known. */
static size_t begin_run(const struct gosan_walk *w, unsigned char *state, struct gosan_granule *s, size_t n)
{
	uint64_t was = cells_of(s), now = outcome(w, was);

	return now ? write_run(state, s, n, was, now, w->place) : 0;
}

/* n whole granules of one page with a linear shadow. */
static void walk_page(struct gosan_walk *w, uintptr_t granule, size_t n)
{
	struct gosan_granule *s = gosan_shadowmem_granule(granule, true);
	unsigned char *state = gosan_shadowmem_state(granule, true);

	for (size_t i = 0, done; i < n; i += done) {
		done = repeated(w, s + i, n - i);
		if (done)
			continue;
		if (promises(w, s + i, n - i) && gosan_shadow_open(w, granule))
			done = begin_run(w, state, s + i, n - i);
		for (size_t k = 0; !done && k < AHEAD && i + k < n; k++)
			if (k > 0 && outcome(w, cells_of(s + i + k)) && promises(w, s + i + k, n - i - k))
				done = k;
			else
				gosan_shadow_step(w, granule + 8 * (i + k), GOSAN_CELL_ALL);
		if (!done)
			done = n - i < AHEAD ? n - i : AHEAD;
	}
}

/* The same with what is known of whole pages. What is lost on the way is not remembered there either. */
static void walk_whole_page(struct gosan_walk *w, uintptr_t page)
{
	uint32_t *whole = gosan_shadowmem_whole_of(page), want = w->want | GOSAN_CELL_ALL;
	uint64_t lost = __atomic_load_n(&gosan_counters->shadow_lost, __ATOMIC_RELAXED);

	if (gosan_cell_stands_for(__atomic_load_n(whole, __ATOMIC_RELAXED), want))
		return;
	walk_page(w, page, PAGE_GRANULES);
	if (!(w->flags & GOSAN_FREE) &&
	    lost == __atomic_load_n(&gosan_counters->shadow_lost, __ATOMIC_RELAXED))
		__atomic_store_n(whole, want, __ATOMIC_RELAXED);
}

void gosan_range_walk(struct gosan_walk *w, uintptr_t addr, uintptr_t end)
{
	uintptr_t granule = addr & ~(uintptr_t)7, next;

	if (!w->place)
		w->place = gosan_context_place(w->g, w->pc);
	for (; granule < end; granule = next) {
		uintptr_t page_end = (granule & ~(PAGE - 1)) + PAGE;

		next = page_end < (end & ~(uintptr_t)7) ? page_end : end & ~(uintptr_t)7;
		if (granule < addr || next <= granule || !gosan_shadow_mask) {
			gosan_shadow_step(w, granule, gosan_range_bytes(granule, addr, end));
			next = granule + 8;
		} else if (next - granule == PAGE) {
			walk_whole_page(w, granule);
		} else {
			walk_page(w, granule, (next - granule) / 8);
		}
	}
}
