/* SPDX-License-Identifier: Apache-2.0
 *
 * g.c: control blocks of goroutines: birth, end, names, and where to find them all.
 *
 * Blocks come from chunks that are never returned, so that all goroutines can be listed without a lock, and
 * a dump that follows a stale pointer reads some goroutine.
 */
#include "scheduler.h"
#include "sys.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>

#define CACHE      64 /* dead blocks that a processor keeps */
#define CHUNK_SIZE ((size_t)64 << 10)
#define PER_CHUNK  ((CHUNK_SIZE - sizeof(void *) * 2) / sizeof(struct go_g))

struct chunk {
	struct chunk *next;
	_Atomic size_t used;
	struct go_g g[];
};

static struct {
	struct go_lock lock;
	struct go_g *free;
	struct chunk *_Atomic chunks; /* newest first; only grows */
} blocks;

/* Under the lock. The chunk is published before its blocks are, and `used` grows after they are zeroed
 * (by the system), so a list walker sees whole blocks. */
static struct go_g *carve(void)
{
	struct chunk *c = blocks.chunks;
	if (c == NULL || c->used == PER_CHUNK) {
		struct chunk *fresh = go__sys_map(CHUNK_SIZE, false);
		if (fresh == NULL)
			return NULL;
		fresh->next = c;
		atomic_store(&blocks.chunks, fresh);
		c = fresh;
	}
	return &c->g[atomic_fetch_add(&c->used, 1)];
}

/* From the processor's cache without a lock; else from the free list, and the cache takes some along. */
static struct go_g *take(struct go_p *p)
{
	struct go_g *g;
	if (p != NULL && p->free_g != NULL) {
		g = p->free_g;
		p->free_g = g->next;
		p->n_free_g--;
		return g;
	}
	go__lock(&blocks.lock);
	g = blocks.free;
	if (g != NULL)
		blocks.free = g->next;
	else
		g = carve();
	/* The cache takes half of what it may hold, to be worth the lock. */
	for (; p != NULL && p->n_free_g < CACHE / 2 && blocks.free != NULL; p->n_free_g++) {
		struct go_g *more = blocks.free;
		blocks.free = more->next;
		more->next = p->free_g;
		p->free_g = more;
	}
	go__unlock(&blocks.lock);
	return g;
}

/* A counter per processor, written by its owner only: one shared counter would be the most contended word of
 * a program that starts many goroutines. */
static void count(struct go_p *p, int64_t delta)
{
	if (p != NULL)
		atomic_store_explicit(&p->live, atomic_load_explicit(&p->live, memory_order_relaxed) + delta,
				      memory_order_relaxed);
	else
		atomic_fetch_add(&go__sched.live_outside, delta);
}

/* Zeroed, with an id. */
struct go_g *go__g_new(void)
{
	struct go_m *m = go__m();
	struct go_p *p = m == NULL ? NULL : m->p;
	struct go_g *g = take(p);
	if (g == NULL)
		return NULL;
	go__zero(g, sizeof(*g));
	g->info.id = atomic_fetch_add_explicit(&go__sched.last_id, 1, memory_order_relaxed) + 1;
	count(p, 1);
	return g;
}

/* The block may be reused at once by this processor, which is still on the stack of the old goroutine: it
 * must not be touched any more. */
void go__g_free(struct go_g *g)
{
	struct go_m *m = go__m();
	struct go_p *p = m == NULL ? NULL : m->p;
	count(p, -1);
	atomic_store_explicit(&g->status, GO__FREE, memory_order_relaxed);
	if (p != NULL && p->n_free_g < CACHE) {
		g->next = p->free_g;
		p->free_g = g;
		p->n_free_g++;
		return;
	}
	go__lock(&blocks.lock);
	g->next = blocks.free;
	blocks.free = g;
	go__unlock(&blocks.lock);
}

/* The probe comes before the goroutine can be seen by anyone: it publishes what the parent did so far. */
int go__spawn(const struct go_call *call)
{
	struct go_m *m = go__m();
	struct go_g *g = go__g_new();
	if (g == NULL)
		return -ENOMEM;
	g->call = *call;
	g->info.fn = call->fn;
	g->info.fn_name = call->name;
	g->info.where = call->where;
	g->creator = m == NULL || m->g == NULL ? 0 : m->g->info.id;
	GO_PROBE(spawn, &g->info);
	go__runnable(m, g);
	return 0;
}

/* First thing on a fresh stack. Without a goroutine it is main's scheduler. */
void go__entry(void)
{
	go__finish();
	struct go_m *m = go__m();
	struct go_g *g = m->g;
	if (g == NULL)
		go__sched_loop(m);
	g->info.stack_lo = (char *)g->stack + go__stack_guard();
	g->info.stack_hi = (char *)g->stack + go__stack_size();
	GO_PROBE(start, &g->info);
	go__call_invoke(&g->call);
	go__g_end();
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

/* A successor that has not started yet takes over the stack, warm as it is: its first frame goes into the
 * room that the entry stub leaves at the top. */
void go__g_end(void)
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
	go__g_free(g);
	struct go_g *next = go__pick(m);
	if (next != NULL && next->sp == NULL && next->stack == NULL)
		next->stack = stack;
	else
		m->dead_stack = stack;
	go__switch_to(m, &dead, next);
	__builtin_unreachable();
}

void go__g_each(void (*visit)(struct go_g *g, void *arg), void *arg)
{
	for (struct chunk *c = atomic_load(&blocks.chunks); c != NULL; c = c->next) {
		size_t n = atomic_load(&c->used);
		for (size_t i = 0; i < n && i < PER_CHUNK; i++) {
			uint32_t status = atomic_load(&c->g[i].status);
			if (status != GO__FREE && status != GO__DEAD)
				visit(&c->g[i], arg);
		}
	}
}

void go__g_hold(bool hold)
{
	if (hold)
		go__lock(&blocks.lock);
	else
		go__unlock(&blocks.lock);
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
