/* SPDX-License-Identifier: Apache-2.0 */
#include "child.h"
#include "hot.h"

#include <pthread.h>
#include <stdatomic.h>

/* The queues only link goroutines, so any blocks do. The runtime is not started. */
enum { N = 5000 };
static struct go_g g[N];
static _Atomic int seen[N];

static struct go_p *new_p(void)
{
	struct go_p *p = go__alloc(sizeof(*p));
	check(p != NULL);
	atomic_store(&go__sched.n_procs, 2);
	return p;
}

static void first_in_first_out(void)
{
	struct go_p *p = new_p();
	check(go__runq_get(p) == NULL);
	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < GO_RING; i++)
			go__runq_put(p, &g[i]);
		check(!go__runq_empty(p));
		for (int i = 0; i < GO_RING; i++)
			check(go__runq_get(p) == &g[i]);
		check(go__runq_empty(p) && go__runq_get(p) == NULL);
	}
	check_int(go__sched.q_len, 0);
}

/* The older half of a full ring moves to the global list, and comes back in order. */
static void overflow_goes_global(void)
{
	struct go_p *p = new_p();
	for (int i = 0; i <= GO_RING; i++)
		go__runq_put(p, &g[i]);
	check_int(go__sched.q_len, GO_RING / 2 + 1);
	for (int i = GO_RING / 2; i < GO_RING; i++)
		check(go__runq_get(p) == &g[i]);
	check(go__global_get(p) == &g[0]);
	check(go__runq_get(p) == &g[1]);
}

static void thieves_take_half(void)
{
	struct go_p *p = new_p(), *thief = new_p();
	check(go__runq_steal(thief, p, true) == NULL);
	atomic_store(&p->runnext, &g[99]);
	check(go__runq_steal(thief, p, false) == NULL);
	check(go__runq_steal(thief, p, true) == &g[99]);
	check(p->runnext == NULL);
	for (int i = 0; i < 5; i++)
		go__runq_put(p, &g[i]);
	check(go__runq_steal(thief, p, true) == &g[2]);
	check(go__runq_get(thief) == &g[0] && go__runq_get(thief) == &g[1] && go__runq_empty(thief));
	check(go__runq_get(p) == &g[3] && go__runq_get(p) == &g[4] && go__runq_empty(p));
}

static void drain_empties(void)
{
	struct go_p *p = new_p();
	go__runq_put(p, &g[1]);
	go__runq_put(p, &g[2]);
	atomic_store(&p->runnext, &g[0]);
	go__runq_drain(p);
	check(go__runq_empty(p) && p->runnext == NULL);
	check_int(go__sched.q_len, 3);
	check(go__global_get(p) == &g[0]);
}

struct robbed {
	struct go_p *p;
	_Atomic bool done;
};

static void note(struct go_g *got)
{
	if (got != NULL)
		atomic_fetch_add(&seen[got - g], 1);
}

static void *rob(void *arg)
{
	struct robbed *r = arg;
	struct go_p *mine = new_p();
	while (!atomic_load(&r->done) || !go__runq_empty(r->p)) {
		note(go__runq_steal(mine, r->p, false));
		for (struct go_g *got; (got = go__runq_get(mine)) != NULL;)
			note(got);
	}
	return NULL;
}

/* An owner and two thieves: every goroutine comes out exactly once. */
static void nothing_is_lost_or_doubled(void)
{
	struct robbed r = {.p = new_p()};
	pthread_t thieves[2];
	for (int i = 0; i < 2; i++)
		check(pthread_create(&thieves[i], NULL, rob, &r) == 0);
	for (int i = 0; i < N; i++) {
		go__runq_put(r.p, &g[i]);
		if (i % 3 == 0)
			note(go__runq_get(r.p));
	}
	atomic_store(&r.done, true);
	for (int i = 0; i < 2; i++)
		pthread_join(thieves[i], NULL);
	for (struct go_g *got; (got = go__global_get(r.p)) != NULL;)
		note(got);
	for (struct go_g *got; (got = go__runq_get(r.p)) != NULL;)
		note(got);
	for (int i = 0; i < N; i++)
		check_int(seen[i], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		child_test(first_in_first_out),         child_test(overflow_goes_global),
		child_test(thieves_take_half),          child_test(drain_empties),
		child_test(nothing_is_lost_or_doubled),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
