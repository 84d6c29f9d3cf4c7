// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* The second lock is only tried: whoever doesn't get it gives up both, nobody waits. */
#include "../../gate.h"

static go_mutex a, b;
static volatile int first_done;

static void first(go_waitgroup *wg)
{
	go_mutex_lock(&a);
	go_mutex_lock(&b);
	go_mutex_unlock(&b);
	go_mutex_unlock(&a);
	gate_open(&first_done);
	go_waitgroup_done(wg);
}

static void second(go_waitgroup *wg)
{
	gate_wait(&first_done);
	go_mutex_lock(&b);
	if (go_mutex_trylock(&a))
		go_mutex_unlock(&a);
	go_mutex_unlock(&b);
	go_waitgroup_done(wg);
}

int main(void)
{
	static go_waitgroup wg;

	go_waitgroup_add(&wg, 2);
	go(first, &wg);
	go(second, &wg);
	go_waitgroup_wait(&wg);
}
