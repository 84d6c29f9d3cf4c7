// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS203 lock-order
/* Another lock happened to order the two in this run; in another schedule it need not. */
#include "../../gate.h"

static go_mutex a, b, unrelated;
static volatile int first_done;

static void touch(void)
{
	go_mutex_lock(&unrelated);
	go_mutex_unlock(&unrelated);
}

static void first(go_waitgroup *wg)
{
	go_mutex_lock(&a);
	go_mutex_lock(&b);
	go_mutex_unlock(&b);
	go_mutex_unlock(&a);
	touch();
	gate_open(&first_done);
	go_waitgroup_done(wg);
}

static void second(go_waitgroup *wg)
{
	gate_wait(&first_done);
	touch();
	go_mutex_lock(&b);
	go_mutex_lock(&a);
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
