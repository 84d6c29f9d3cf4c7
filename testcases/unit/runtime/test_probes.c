/* SPDX-License-Identifier: Apache-2.0
 *
 * What a watcher is told, held against a model of each object: if the probes come in another order than
 * the operations, or one is missing or double, the model finds an impossible step.
 */
#include "child.h"
#include "probe.h"

#include <stdatomic.h>

#define MAX_OBJECTS (1 << 16)

struct model {
	size_t cap, sent, received, closed;
	int writer, readers, requests;
	int64_t count;
	size_t waiting, woken;
	int done;
};

static struct model models[MAX_OBJECTS];
static uint32_t last_id;
static atomic_flag busy = ATOMIC_FLAG_INIT;
static long parks, readies, starts, ends, spawns, events;
static int contexts, cancelled;

/* Locks the models; the object's, made when it is new. */
static struct model *enter(struct go_object *obj)
{
	while (atomic_flag_test_and_set_explicit(&busy, memory_order_acquire))
		;
	events++;
	if (obj != NULL && obj->id == 0)
		obj->id = ++last_id;
	check(last_id < MAX_OBJECTS);
	return obj == NULL ? NULL : &models[obj->id];
}

static void leave(void)
{
	atomic_flag_clear_explicit(&busy, memory_order_release);
}

#define MODEL(obj, ...) \
	do { \
		struct model *m = enter(obj); \
		(void)m; \
		__VA_ARGS__; \
		leave(); \
	} while (0)

static void on_spawn(struct go_ginfo *g)
{
	MODEL(NULL, check(g->watch == NULL), spawns++);
}

static void on_start(struct go_ginfo *g)
{
	MODEL(NULL, check(g->id == 1 || g->stack_lo < g->stack_hi), starts++);
}

static void on_end(struct go_ginfo *g)
{
	MODEL(NULL, check(g->watch == NULL), ends++);
}

static void on_g(struct go_ginfo *g)
{
	(void)g;
}

/* watch is 1 while parked. */
static void on_park(struct go_ginfo *g, enum go_wait why, const struct go_wait_on *on, size_t n)
{
	MODEL(NULL, check(g->watch == NULL && why != GO_WAIT_NONE), g->watch = &models[0], parks++);
	if (why == GO_WAIT_CHAN_SEND || why == GO_WAIT_CHAN_RECV || why == GO_WAIT_MUTEX)
		check(n == 1 && on[0].obj != NULL && on[0].obj->id != 0);
}

static void on_ready(struct go_ginfo *g)
{
	MODEL(NULL, check(g->watch != NULL), g->watch = NULL, readies++);
}

static void on_nothing(void)
{
}

static void on_fault(enum go_fault what, struct go_object *obj, const char *message)
{
	(void)what, (void)obj, (void)message;
}

static void on_chan_make(struct go_object *ch, size_t elem_size, size_t cap)
{
	(void)elem_size;
	check(ch->id == 0);
	MODEL(ch, m->cap = cap);
}

static void on_chan_send(struct go_ginfo *g, struct go_object *ch, size_t slot)
{
	(void)g;
	MODEL(ch, check(m->cap > 0 && !m->closed), check_int(slot, m->sent % m->cap), m->sent++,
	      check(m->sent - m->received <= m->cap));
}

static void on_chan_recv(struct go_ginfo *g, struct go_object *ch, size_t slot)
{
	(void)g;
	MODEL(ch, check(m->cap > 0 && m->received < m->sent), check_int(slot, m->received % m->cap),
	      m->received++);
}

static void on_chan_pair(struct go_ginfo *sender, struct go_ginfo *receiver, struct go_object *ch)
{
	MODEL(ch, check(sender != receiver && m->cap == 0 && !m->closed));
}

static void on_chan_close(struct go_object *ch)
{
	MODEL(ch, check(!m->closed), m->closed = 1);
}

static void on_chan_recv_closed(struct go_ginfo *g, struct go_object *ch)
{
	MODEL(ch, check(g != NULL && m->closed && m->sent == m->received));
}

static void on_chan_free(struct go_object *ch)
{
	MODEL(ch, check(m->closed < 2), m->closed = 2);
}

static void on_lock_request(struct go_object *l, enum go_lock_kind kind, int mode)
{
	(void)kind, (void)mode;
	MODEL(l, m->requests++);
}

static void on_lock_acquire(struct go_object *l, enum go_lock_kind kind, int mode)
{
	(void)kind;
	MODEL(l, check(m->writer == 0), check((mode & GO_LOCK_READ) || m->readers == 0),
	      (mode & GO_LOCK_READ) ? m->readers++ : m->writer++, (mode & GO_LOCK_TRY) ? 0 : m->requests--,
	      check(m->requests >= 0));
}

static void on_lock_release(struct go_object *l, enum go_lock_kind kind, int mode)
{
	(void)kind;
	MODEL(l, (mode & GO_LOCK_READ) ? m->readers-- : m->writer--,
	      check(m->readers >= 0 && m->writer >= 0));
}

static void on_wg_add(struct go_object *wg, int64_t delta, int64_t counter)
{
	MODEL(wg, m->count += delta, check_int(counter, m->count));
}

static void on_wg_wait(struct go_object *wg)
{
	MODEL(wg, m->waiting++);
}

static void on_wg_waited(struct go_object *wg)
{
	MODEL(wg, m->waiting--, check_int(m->count, 0));
}

static void on_once_done(struct go_object *once)
{
	MODEL(once, check_int(m->done++, 0));
}

static void on_once_return(struct go_object *once)
{
	MODEL(once, check_int(m->done, 1));
}

static void on_cond_wait(struct go_object *c, struct go_object *mu)
{
	struct model *mutex = &models[mu->id];
	MODEL(c, check_int(mutex->writer, 1), m->waiting++);
}

static void on_cond_wake(struct go_object *c, bool broadcast, size_t woken)
{
	MODEL(c, check_int(woken, broadcast || m->waiting == 0 ? m->waiting : 1), m->waiting -= woken,
	      m->woken += woken);
}

static void on_cond_waited(struct go_object *c, struct go_object *mu)
{
	struct model *mutex = &models[mu->id];
	MODEL(c, check_int(mutex->writer, 1), check(m->woken-- > 0));
}

static void on_pointer(void *p)
{
	(void)p;
}

static void on_ctx_new(void *ctx, void *parent, enum go_ctx_kind kind, struct go_object *done)
{
	MODEL(NULL, check(ctx != NULL && ctx != parent), check(done != NULL || kind == GO_CTX_VALUE),
	      contexts++);
}

static void on_ctx_cancel(void *ctx, bool by_program)
{
	(void)ctx, (void)by_program;
	MODEL(NULL, cancelled++);
}

static void on_ctx_free(void *ctx)
{
	(void)ctx;
	MODEL(NULL, contexts--);
}

static void on_ticker(void *ticker, struct go_object *ch)
{
	check(ticker != NULL && ch != NULL);
}

static void on_object(struct go_object *ch)
{
	(void)ch;
}

static void on_fd(int fd)
{
	check(fd >= 0);
}

static void on_access(const void *addr, size_t size, bool write)
{
	(void)write;
	check(addr != NULL && size > 0);
}

static const struct go_probes table = {
	.version = GO_PROBE_VERSION,
	.size = sizeof(struct go_probes),
	.spawn = on_spawn,
	.start = on_start,
	.end = on_end,
	.run = on_g,
	.named = on_g,
	.park = on_park,
	.ready = on_ready,
	.stalled = on_nothing,
	.fault = on_fault,
	.chan_make = on_chan_make,
	.chan_send = on_chan_send,
	.chan_recv = on_chan_recv,
	.chan_pair = on_chan_pair,
	.chan_close = on_chan_close,
	.chan_recv_closed = on_chan_recv_closed,
	.chan_free = on_chan_free,
	.lock_request = on_lock_request,
	.lock_acquire = on_lock_acquire,
	.lock_release = on_lock_release,
	.wg_add = on_wg_add,
	.wg_wait = on_wg_wait,
	.wg_waited = on_wg_waited,
	.once_done = on_once_done,
	.once_return = on_once_return,
	.cond_wait = on_cond_wait,
	.cond_waited = on_cond_waited,
	.cond_wake = on_cond_wake,
	.timer_arm = on_pointer,
	.system_begin = on_pointer,
	.system_end = on_nothing,
	.ctx_new = on_ctx_new,
	.ctx_cancel = on_ctx_cancel,
	.ctx_free = on_ctx_free,
	.ticker_new = on_ticker,
	.ticker_stop = on_pointer,
	.notify = on_object,
	.fd_acquire = on_fd,
	.fd_release = on_fd,
	.access = on_access,
};

/* ---- the load ---- */

enum { WORKERS = 12, STEPS = 400 };

struct load {
	go_chan(int) plain, buffered, wide;
	go_mutex mu;
	go_rwmutex rw;
	go_cond cond;
	go_once once;
	go_waitgroup inner;
	int tokens;
	long sum;
};

static void nothing(void)
{
}

static void use_locks(struct load *l, unsigned r)
{
	if (r % 3 == 0) {
		go_mutex_lock(&l->mu);
		l->sum++;
		if (r % 2)
			go_yield();
		go_mutex_unlock(&l->mu);
	} else if (r % 3 == 1) {
		go_rwmutex_rlock(&l->rw);
		if (r % 2)
			go_yield();
		go_rwmutex_runlock(&l->rw);
	} else if (go_rwmutex_trylock(&l->rw)) {
		go_rwmutex_unlock(&l->rw);
	} else {
		go_rwmutex_lock(&l->rw);
		go_rwmutex_unlock(&l->rw);
	}
}

/* Everybody puts a token and takes one, so nobody waits for ever. */
static void use_cond(struct load *l, unsigned r)
{
	go_mutex_lock(&l->mu);
	l->tokens++;
	if (r % 2)
		go_cond_signal(&l->cond);
	else
		go_cond_broadcast(&l->cond);
	while (l->tokens == 0)
		go_cond_wait(&l->cond);
	l->tokens--;
	go_mutex_unlock(&l->mu);
}

static void use_channels(struct load *l, unsigned r)
{
	int v;
	go_select(GO_SEND(l->plain, 1), GO_RECV(l->plain, &v), GO_SEND(l->buffered, 2), GO_RECV(l->buffered),
		  GO_SEND(l->wide, 3), GO_RECV(l->wide, &v), GO_AFTER(r % 50 * GO_US));
}

static void use_context(unsigned r)
{
	go_context *parent = go_with_timeout(go_background(), r % 300 * GO_US);
	go_context *child = go_with_cancel(parent);
	if (r % 2)
		go_cancel(child);
	else
		go_recv(go_done(child));
	go_context_free(child);
	go_context_free(parent);
}

static void worker(struct load *l, unsigned seed)
{
	for (unsigned i = 0, r = seed; i < STEPS; i++) {
		r = r * 1103515245 + 12345;
		switch (r >> 16 & 7) {
		case 0:
			use_cond(l, r >> 20);
			break;
		case 1:
			go_once_do(&l->once, nothing);
			break;
		case 2:
			use_context(r >> 20);
			break;
		case 3:
		case 4:
			use_locks(l, r >> 20);
			break;
		default:
			use_channels(l, r >> 20);
		}
	}
}

static void everything_at_once(void)
{
	check_int(go_probe_attach(&table), 0);
	for (int procs = 1; procs <= 8; procs *= 2) {
		struct load l = {
			.plain = go_make(int, 0), .buffered = go_make(int, 1), .wide = go_make(int, 3)};
		go_waitgroup wg = {0};
		go_set_procs(procs);
		l.cond = GO_COND(&l.mu);
		for (unsigned i = 0; i < WORKERS; i++)
			go_waitgroup_go(&wg, worker, &l, i);
		go_waitgroup_wait(&wg);
		go_close(l.wide);
		while (go_recv_ok(l.wide, NULL))
			;
		go_chan_free(l.plain);
		go_chan_free(l.buffered);
		go_chan_free(l.wide);
	}
	go_sleep(5 * GO_MS);
	enter(NULL);
	check_int(contexts, 0);
	check(cancelled > 0 && parks > 0 && events > 1000);
	check_int(starts, spawns);
	check_int(ends, spawns - 1);
	check_int(readies, parks);
	leave();
}

static void sends(go_chan(int) ch, int n)
{
	for (int i = 0; i < n; i++)
		go_send(ch, i);
}

static void hand_offs_go_through_the_slots(void)
{
	check_int(go_probe_attach(&table), 0);
	go_chan(int) ch = go_make(int, 3);
	uint32_t id = last_id;
	go(sends, ch, 20);
	for (int i = 0; i < 20; i++)
		check_int(go_recv(ch), i);
	check_int(models[id].sent, 20);
	check_int(models[id].received, 20);
	go_close(ch);
	go_recv(ch);
	go_chan_free(ch);
	check_int(models[id].closed, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		child_test(everything_at_once),
		child_test(hand_offs_go_through_the_slots),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
