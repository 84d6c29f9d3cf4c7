// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS203 lock-order
// FUNCTIONS: first second
/* The same as abba_bug.c, and the gate lets `second` come first. */
#include "../../gate.h"

static go_mutex a, b;
static volatile int second_done;

static void first(go_waitgroup *wg)
{
	gate_wait(&second_done);
	go_mutex_lock(&a);
	go_mutex_lock(&b);
	go_mutex_unlock(&b);
	go_mutex_unlock(&a);
	go_waitgroup_done(wg);
}

static void second(go_waitgroup *wg)
{
	go_mutex_lock(&b);
	go_mutex_lock(&a);
	go_mutex_unlock(&a);
	go_mutex_unlock(&b);
	gate_open(&second_done);
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
