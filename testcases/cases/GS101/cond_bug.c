// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// OBJECT: queue
/* The producer changes the predicate without the mutex, and only then takes it to signal. The gate lets the
 * consumer look first; otherwise the producer's own lock would order the two. */
#include "../../gate.h"

static int queue;
static go_mutex mu;
static go_cond filled = GO_COND(&mu);
static volatile int looked;

static void consumer(go_waitgroup *wg)
{
	go_mutex_lock(&mu);
	while (queue == 0) {
		gate_open(&looked);
		go_cond_wait(&filled);
	}
	go_mutex_unlock(&mu);
	go_waitgroup_done(wg);
}

int main(void)
{
	static go_waitgroup wg;

	go_waitgroup_add(&wg, 1);
	go(consumer, &wg);
	gate_wait(&looked);
	queue = 1;
	go_mutex_lock(&mu);
	go_cond_signal(&filled);
	go_mutex_unlock(&mu);
	go_waitgroup_wait(&wg);
}
