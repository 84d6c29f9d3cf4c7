// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* Of two opposite orders the second begins when a condition says that the first is over. */
#include "../../gate.h"

static go_mutex a, b, mu;
static go_cond changed = GO_COND(&mu);
static bool done;

static void first(void)
{
	go_mutex_lock(&a);
	go_mutex_lock(&b);
	go_mutex_unlock(&b);
	go_mutex_unlock(&a);
	go_mutex_lock(&mu);
	done = true;
	go_cond_signal(&changed);
	go_mutex_unlock(&mu);
}

static void second(go_waitgroup *over)
{
	go_mutex_lock(&mu);
	while (!done)
		go_cond_wait(&changed);
	go_mutex_unlock(&mu);
	go_mutex_lock(&b);
	go_mutex_lock(&a);
	go_mutex_unlock(&a);
	go_mutex_unlock(&b);
	go_waitgroup_done(over);
}

int main(void)
{
	go_waitgroup over = {0};

	go_waitgroup_add(&over, 1);
	go(second, &over);
	gate_parked("sync.Cond.Wait", 1);
	go(first);
	go_waitgroup_wait(&over);
}
