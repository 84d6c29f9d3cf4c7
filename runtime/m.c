/* SPDX-License-Identifier: Apache-2.0
 *
 * m.c: OS threads: main's, those that the runtime starts, and foreign ones that call in.
 *
 * The runtime's own threads live as long as the process. A foreign thread that calls in becomes a
 * goroutine that is bound to it: it has no P, never migrates, and parks by sleeping on a futex. It counts
 * as "outside" while it runs, since it can make goroutines runnable.
 */
#include "scheduler.h"
#include "sys.h"

#include <pthread.h>
#include <stdlib.h>

#define SCHED_STACK ((size_t)256 << 10) /* also runs timer callbacks, dumps and probes */

__thread struct go_m *go__m_self;
static struct go_m main_m;
static pthread_key_t foreign_key;
static pthread_once_t start_once = PTHREAD_ONCE_INIT;

/* The barrier: go__m() reads it behind the compiler's back. */
__attribute__((noinline)) void go__m_set(struct go_m *m)
{
	go__m_self = m;
	if (m != NULL)
		m->errno_at = __errno_location();
	__asm__ volatile("" ::: "memory");
}

/* With GO_SEED each thread gets its own fixed sequence, in the order of their creation. */
static void seed(struct go_m *m)
{
	static _Atomic uint64_t serial;
	const char *env = getenv("GO_SEED");
	uint64_t base = env != NULL ? strtoull(env, NULL, 0) : go__sys_seed();
	m->rng = (base + 1) * 0x9e3779b97f4a7c15 + atomic_fetch_add(&serial, 1) * 0xbf58476d1ce4e5b9;
	if (m->rng == 0)
		m->rng = 1;
}

/* The thread's own stack is its scheduler stack. */
static void *m_main(void *arg)
{
	struct go_m *m = arg;
	go__m_set(m);
	go__signal_stack(m);
	atomic_fetch_sub(&go__sched.starting, 1);
	GO_PROBE(run, NULL);
	go__sched_loop(m);
}

/* Detached, for nobody joins them. With the program's signal mask: its handlers may run anywhere. */
static int create(struct go_m *m)
{
	pthread_attr_t attr;
	pthread_t thread;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, SCHED_STACK * 4);
	atomic_fetch_add(&go__sched.starting, 1);
	int err = pthread_create(&thread, &attr, m_main, m);
	if (err != 0)
		atomic_fetch_sub(&go__sched.starting, 1);
	pthread_attr_destroy(&attr);
	return -err;
}

int go__m_start(struct go_p *p, bool poll, bool spinning)
{
	struct go_sched *s = &go__sched;
	struct go_m *m = go__alloc(sizeof(*m));
	if (m == NULL)
		return -ENOMEM;
	seed(m);
	m->p = p;
	m->poll = poll;
	m->spinning = spinning;
	if (poll)
		atomic_store(&s->poller, m);
	s->threads++;
	int err = create(m);
	if (err != 0) {
		s->threads--;
		if (poll)
			atomic_store(&s->poller, NULL);
		go__free(m, sizeof(*m));
	}
	return err;
}

/* ---- foreign threads ---- */

/* By the key's destructor, when the thread ends. A thread that was waiting for others is gone as a possible
 * helper, so this may be the moment of a deadlock. */
static void foreign_end(void *arg)
{
	struct go_m *m = arg;
	struct go_sched *s = &go__sched;
	go__m_set(m); /* other destructors may call in after us: they are adopted again */
	GO_PROBE(end, &m->g->info);
	GO_PROBE(run, NULL);
	go__g_free(m->g);
	go__m_set(NULL);
	go__lock(&s->lock);
	s->outside--;
	go__stall_check();
	go__unlock(&s->lock);
	go__free(m, sizeof(*m));
}

/* The watcher wants to know what is stack. glibc reads /proc/self/maps for main: once. */
static void stack_bounds(struct go_ginfo *info)
{
	pthread_attr_t attr;
	void *lo = NULL;
	size_t size = 0;
	if (pthread_getattr_np(pthread_self(), &attr) != 0)
		return;
	pthread_attr_getstack(&attr, &lo, &size);
	pthread_attr_destroy(&attr);
	info->stack_lo = lo;
	info->stack_hi = (char *)lo + size;
}

/* The current thread becomes the goroutine g of m. */
static void occupy(struct go_m *m, struct go_g *g)
{
	m->g = g;
	g->system_stack = true;
	stack_bounds(&g->info);
	go__m_set(m);
	go__signal_stack(m);
	atomic_store(&g->status, GO__RUNNING);
	GO_PROBE(spawn, &g->info);
	GO_PROBE(start, &g->info);
	GO_PROBE(run, &g->info);
}

/* No P: its goroutine runs when the system schedules the thread. Counted as outside before it can be seen,
 * so that nobody judges a standstill while it runs. */
struct go_m *go__m_adopt(void)
{
	struct go_sched *s = &go__sched;
	struct go_m *m = go__alloc(sizeof(*m));
	struct go_g *g = go__g_new();
	if (m == NULL || g == NULL)
		go__fatal("out of memory (thread)");
	seed(m);
	m->bound = true;
	g->bound = m;
	g->info.fn_name = "(thread)";
	if (go__sys_is_main_thread()) {
		g->info.fn_name = "main"; /* others called in first: its id was kept for it */
		g->info.id = 1;
	}
	go__lock(&s->lock);
	s->outside++;
	go__unlock(&s->lock);
	occupy(m, g);
	pthread_setspecific(foreign_key, m);
	return m;
}

/* ---- start ---- */

/* main.g runs on the thread's own stack; the thread's scheduler needs another. */
static void start_main(void)
{
	char *stack = go__sys_map(SCHED_STACK, true);
	struct go_g *g = go__g_new();
	if (stack == NULL || g == NULL)
		go__fatal("out of memory (start)");
	main_m.sp0 = go__stack_init(stack + SCHED_STACK);
	g->info.fn_name = "main";
	go__sched_start(&main_m);
	occupy(&main_m, g);
}

/* Once per process, by whoever calls first. The probe table is attached before (probe.h). */
static void start(void)
{
	pthread_key_create(&foreign_key, foreign_end);
	pthread_atfork(go__fork_prepare, go__fork_parent, go__fork_child);
	go__netpoll_start();
	go__stack_size();
	go__sched.asymmetric = go__sys_fence_start();
	seed(&main_m);
	if (go__sys_is_main_thread()) {
		start_main();
	} else {
		atomic_store(&go__sched.last_id, 1); /* main's, should it call in */
		go__sched_start(NULL);
	}
	go__signal_start();
}

struct go_g *go__self_start(void)
{
	struct go_m *m;
	pthread_once(&start_once, start);
	m = go__m();
	return m != NULL ? m->g : go__m_adopt()->g;
}
