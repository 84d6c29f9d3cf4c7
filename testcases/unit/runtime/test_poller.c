/* SPDX-License-Identifier: Apache-2.0
 *
 * test_poller.c: how a thread that lies down is given a P or the poller's role. The scheduler is set up, but
 * nothing runs: the test plays all other threads.
 */
#include "child.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "scheduler.h"

enum { TIMES = 300 };

static struct go_m idler, other;
static _Atomic int lain_down; /* how often */

static void *lie_down(void *arg)
{
	(void)arg;
	go__m_set(&idler);
	for (int i = 0; i < TIMES; i++) {
		go__m_idle(&idler);
		check(idler.p != NULL);
		check(!idler.poll);
		/* The token of each wake-up is used up: the next sleep is a sleep. */
		check_int(atomic_load(&idler.wake), 0);
		go__lock(&go__sched.lock);
		check(go__sched.idle_m == NULL);
		struct go_p *p = idler.p;
		idler.p = NULL;
		go__p_put(p);
		atomic_store(&go__sched.poller, &other);
		go__unlock(&go__sched.lock);
		atomic_store(&lain_down, i + 1);
	}
	return NULL;
}

/* As soon as it is on the list. Giving way in between: a lock that is taken again at once keeps others out, who sleep
 * while they wait for it. */
static void take_from_list(bool as_poller)
{
	struct go_sched *s = &go__sched;
	for (bool found = false; !found;) {
		go__lock(&s->lock);
		found = s->idle_m != NULL;
		if (found && as_poller) {
			atomic_store(&s->poller, NULL);
			go__poller_appoint();
		} else if (found) {
			struct go_m *m = go__m_idle_pop();
			m->p = go__p_get();
			go__m_wake(m);
		}
		go__unlock(&s->lock);
		if (!found)
			sched_yield();
	}
}

/* The poller leaves with a P when there is something to run. */
static void give_work_until(int n)
{
	static struct go_g work;
	struct go_sched *s = &go__sched;
	go__lock(&s->lock);
	go__global_put_locked(&work);
	go__unlock(&s->lock);
	go__netpoll_kick();
	while (atomic_load(&lain_down) < n)
		sched_yield();
	go__lock(&s->lock);
	s->q_first = s->q_last = NULL;
	atomic_store(&s->q_len, 0);
	go__unlock(&s->lock);
}

static void each_wake_up_is_taken_once(void)
{
	pthread_t thread;
	go__netpoll_start();
	go__stack_size();
	setenv("GO_PROCS", "1", 1);
	go__sched_start(NULL);
	atomic_store(&go__sched.poller, &other);
	check(pthread_create(&thread, NULL, lie_down, NULL) == 0);
	for (int i = 0; i < TIMES; i++) {
		bool as_poller = i % 4 != 0;
		take_from_list(as_poller);
		if (as_poller)
			give_work_until(i + 1);
	}
	pthread_join(thread, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		child_test(each_wake_up_is_taken_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
