/* SPDX-License-Identifier: Apache-2.0
 *
 * g.c: control blocks of goroutines: birth, end, names, and where to find them all.
 *
 * Blocks come from chunks that are never returned, so that all goroutines can be listed without a lock, and
 * a dump that follows a stale pointer reads some goroutine.
 */
#include "hot.h"
#include "sys.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>

#define CACHE 64 /* dead blocks that a processor keeps */

/* The first chunks are small. A program that has used them up has thousands of goroutines: from then on chunks
 * are huge pages, since 6 of 7 ns of filling fresh small ones go into page faults. */
#define CHUNK_SMALL ((size_t)64 << 10)
#define CHUNK_HUGE  ((size_t)2 << 20)
#define N_SMALL     32

struct chunk {
	struct chunk *next;
	size_t n; /* blocks in it */
	_Atomic size_t used;
	struct go_g g[];
};

static struct {
	struct go_lock lock;
	struct go_g *free;
	struct chunk *_Atomic chunks; /* newest first; only grows */
	size_t n_chunks;
} go__blocks;

/* Under the lock. The chunk is published before its blocks are, and `used` grows after they are zeroed
 * (by the system), so a list walker sees whole blocks. */
static struct go_g *carve(void)
{
	struct chunk *c = go__blocks.chunks;
	if (c == NULL || c->used == c->n) {
		bool huge = go__blocks.n_chunks++ >= N_SMALL;
		size_t size = huge ? CHUNK_HUGE : CHUNK_SMALL;
		struct chunk *fresh = huge ? go__sys_map_huge(size) : go__sys_map(size, false);
		if (fresh == NULL)
			return NULL;
		fresh->n = size / sizeof(struct go_g) - 1;
		fresh->next = c;
		atomic_store(&go__blocks.chunks, fresh);
		c = fresh;
	}
	return &c->g[atomic_fetch_add(&c->used, 1)];
}

/* One block; a processor's cache takes half of what it may hold along, to be worth the lock. In the order in
 * which they lie: blocks that are used one after the other are neighbours, which the processor fetches ahead. */
static struct go_g *take_more(struct go_p *p)
{
	struct go_g *first = NULL, **end = &first, *g;
	uint32_t n = p == NULL ? 1 : CACHE / 2;
	go__lock(&go__blocks.lock);
	for (uint32_t i = 0; i < n; i++) {
		g = go__blocks.free;
		if (g != NULL)
			go__blocks.free = g->next;
		else
			g = carve();
		if (g == NULL)
			break;
		*end = g;
		end = &g->next;
	}
	*end = NULL;
	go__unlock(&go__blocks.lock);
	if (p == NULL || first == NULL)
		return first;
	p->free_g = first->next;
	for (g = p->free_g; g != NULL; g = g->next)
		p->n_free_g++;
	return first;
}

/* From the processor's cache without a lock. */
static inline struct go_g *take(struct go_p *p)
{
	if (p == NULL || p->free_g == NULL)
		return take_more(p);
	struct go_g *g = p->free_g;
	p->free_g = g->next;
	p->n_free_g--;
	return g;
}

/* The cache is full: its older half goes to the common list. */
static __attribute__((noinline)) void give_back(struct go_p *p)
{
	struct go_g *keep = p->free_g;
	for (uint32_t i = 1; i < CACHE / 2; i++)
		keep = keep->next;
	struct go_g *first = keep->next, *last = first;
	keep->next = NULL;
	p->n_free_g = CACHE / 2;
	while (last->next != NULL)
		last = last->next;
	go__lock(&go__blocks.lock);
	last->next = go__blocks.free;
	go__blocks.free = first;
	go__unlock(&go__blocks.lock);
}

/* A counter per processor, written by its owner only: one shared counter would be the most contended word of
 * a program that starts many goroutines. */
static inline void count(struct go_p *p, int64_t delta)
{
	if (p != NULL)
		atomic_store_explicit(&p->live, atomic_load_explicit(&p->live, memory_order_relaxed) + delta,
				      memory_order_relaxed);
	else
		atomic_fetch_add(&go__sched.live_outside, delta);
}

/* A processor takes several at once from the common counter. */
static inline uint64_t new_id(struct go_p *p)
{
	if (p == NULL)
		return atomic_fetch_add_explicit(&go__sched.last_id, 1, memory_order_relaxed) + 1;
	if (GO_UNLIKELY(p->next_id == p->id_end)) {
		p->next_id =
			atomic_fetch_add_explicit(&go__sched.last_id, GO_ID_BATCH, memory_order_relaxed) + 1;
		p->id_end = p->next_id + GO_ID_BATCH;
	}
	return p->next_id++;
}

/* What an earlier goroutine may have left. The status stays FREE until it is queued, so that nobody lists
 * half a goroutine. go__zero writes words one by one, which took half of the time of a spawn. */
static inline struct go_g *g_new(struct go_p *p)
{
	struct go_g *g = take(p);
	if (GO_UNLIKELY(g == NULL))
		return NULL;
	g->info.id = new_id(p);
	g->info.watch = NULL;
	g->info.name[0] = '\0';
	g->info.stack_lo = g->info.stack_hi = NULL;
	g->sp = g->stack = NULL;
	g->bound = NULL;
	g->defers = NULL;
	g->system_stack = false;
	g->why = GO_WAIT_NONE;
	g->wait_obj = NULL;
	count(p, 1);
	return g;
}

/* For a thread's goroutine, which no go statement started. */
struct go_g *go__g_new(void)
{
	struct go_m *m = go__m();
	struct go_g *g = g_new(m == NULL ? NULL : m->p);
	if (g == NULL)
		return NULL;
	g->call = (struct go_call){.fn = NULL};
	g->info.fn = NULL;
	g->info.fn_name = g->info.where = NULL;
	g->creator = 0;
	return g;
}

/* The block may be reused at once by this processor, which is still on the stack of the old goroutine: it
 * must not be touched any more. */
static inline void g_free(struct go_p *p, struct go_g *g)
{
	count(p, -1);
	atomic_store_explicit(&g->status, GO__FREE, memory_order_relaxed);
	if (GO_LIKELY(p != NULL)) {
		g->next = p->free_g;
		p->free_g = g;
		if (GO_UNLIKELY(++p->n_free_g == CACHE))
			give_back(p);
		return;
	}
	go__lock(&go__blocks.lock);
	g->next = go__blocks.free;
	go__blocks.free = g;
	go__unlock(&go__blocks.lock);
}

void go__g_free(struct go_g *g)
{
	struct go_m *m = go__m();
	g_free(m == NULL ? NULL : m->p, g);
}

/* Word by word, as the caller has just written them: a wider load would have to wait until the stores that it
 * overlaps have left the processor's store buffer. */
static inline void keep_call(struct go_call *to, const struct go_call *call)
{
	const volatile struct go_call *from = call;
	to->fn = from->fn;
	to->name = from->name;
	to->where = from->where;
	to->wg = from->wg;
	to->w[0] = from->w[0];
	to->w[1] = from->w[1];
	to->w[2] = from->w[2];
	to->w[3] = from->w[3];
	to->w[4] = from->w[4];
	to->w[5] = from->w[5];
}

/* The probe comes before the goroutine can be seen by anyone: it publishes what the parent did so far. */
int go__spawn(const struct go_call *call)
{
	struct go_m *m = go__m();
	struct go_g *g = g_new(m == NULL ? NULL : m->p);
	if (GO_UNLIKELY(g == NULL))
		return -ENOMEM;
	keep_call(&g->call, call);
	g->info.fn = call->fn;
	g->info.fn_name = call->name;
	g->info.where = call->where;
	g->creator = m == NULL || m->g == NULL ? 0 : m->g->info.id;
	GO_PROBE(spawn, &g->info);
	go__runnable(m, g);
	/* The first: from now on somebody looks after what waits behind a goroutine that computes, see poller.c. */
	if (GO_UNLIKELY(atomic_load_explicit(&go__sched.poller, memory_order_relaxed) == NULL) && go__multi())
		go__poller_need(true);
	return 0;
}

/* go_exit on a foreign thread ends the thread. */
static _Noreturn void end_foreign(struct go_m *m)
{
	(void)m; /* the key's destructor ends the goroutine */
	pthread_exit(NULL);
}

/* Main's stack stays, since its frames belong to the process. */
static _Noreturn void end_main(struct go_m *m, struct go_g *g)
{
	go__lock(&go__sched.lock);
	go__sched.main_exited = true;
	go__unlock(&go__sched.lock);
	atomic_store(&g->status, GO__DEAD);
	count(m->p, -1);
	go__switch_to(m, &g->sp, go__pick(m));
	__builtin_unreachable();
}

/* A successor that has not begun takes over the stack, warm as it is. From the bottom of the stack it is
 * returned, and goes on right there; from the depth of a go_exit the stack must be begun anew, by a first frame
 * in the room that the entry stub leaves at the top. Does not return but with a goroutine. */
static struct go_g *go__end(bool deep)
{
	struct go_m *m = go__m();
	struct go_g *g = m->g;
	void *dead;
	if (m->bound)
		end_foreign(m);
	GO_PROBE(end, &g->info);
	if (g->system_stack)
		end_main(m, g);
	void *stack = g->stack;
	atomic_store_explicit(&g->status, GO__DEAD, memory_order_relaxed);
	g_free(m->p, g);
	struct go_g *next = go__pick(m);
	if (GO_LIKELY(next != NULL && next->sp == NULL && next->stack == NULL)) {
		next->stack = stack;
		if (!deep) {
			m->g = next;
			GO_PROBE(run, &next->info);
			atomic_store_explicit(&next->status, GO__RUNNING, memory_order_relaxed);
			return next;
		}
	} else {
		m->dead_stack = stack;
		m->more_to_do = true;
	}
	go__switch_to(m, &dead, next);
	__builtin_unreachable();
}

/* First thing on a fresh stack. Without a goroutine it is main's scheduler. A goroutine that returns, and whose
 * successor has not begun, leaves it the stack as it stands: no switch. */
void go__entry(void)
{
	go__finish();
	struct go_g *g = go__m()->g;
	if (g == NULL)
		go__sched_loop(go__m());
	const size_t guard = go__stack_guard(), size = go__stack_size();
	while (g != NULL) {
		g->info.stack_lo = (char *)g->stack + guard;
		g->info.stack_hi = (char *)g->stack + size;
		GO_PROBE(start, &g->info);
		go__call_invoke(&g->call);
		g = go__end(false);
	}
	__builtin_unreachable();
}

_Noreturn void go__g_end(void)
{
	go__end(true);
	__builtin_unreachable();
}

void go__g_each(void (*visit)(struct go_g *g, void *arg), void *arg)
{
	for (struct chunk *c = atomic_load(&go__blocks.chunks); c != NULL; c = c->next) {
		size_t n = atomic_load(&c->used);
		for (size_t i = 0; i < n && i < c->n; i++) {
			uint32_t status = atomic_load(&c->g[i].status);
			if (status != GO__FREE && status != GO__DEAD)
				visit(&c->g[i], arg);
		}
	}
}

void go__g_hold(bool hold)
{
	if (hold)
		go__lock(&go__blocks.lock);
	else
		go__unlock(&go__blocks.lock);
}

/* Exact when nothing starts or ends meanwhile. */
size_t go_count(void)
{
	go__self();
	int64_t n = atomic_load(&go__sched.live_outside);
	for (int32_t i = 0; i < go__sched.n_ps; i++)
		n += atomic_load_explicit(&go__sched.ps[i]->live, memory_order_relaxed);
	return n < 0 ? 0 : (size_t)n;
}

uint64_t go_id(void)
{
	return go__self()->info.id;
}

void go_set_name(const char *fmt, ...)
{
	struct go_g *g = go__self();
	va_list args;
	va_start(args, fmt);
	vsnprintf(g->info.name, sizeof(g->info.name), fmt, args);
	va_end(args);
	GO_PROBE(named, &g->info);
}
