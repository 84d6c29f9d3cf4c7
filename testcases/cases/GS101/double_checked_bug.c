// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// OBJECT: instance
// FUNCTIONS: get
/* Double-checked initialisation with a plain pointer: the first check is outside the lock. */
#include "../../gate.h"

static int value, *instance;
static go_mutex mu;
static volatile int first_done;

static int *get(void)
{
	if (!instance) {
		go_mutex_lock(&mu);
		if (!instance)
			instance = &value;
		go_mutex_unlock(&mu);
	}
	return instance;
}

static void second(go_waitgroup *wg)
{
	gate_wait(&first_done);
	get();
	go_waitgroup_done(wg);
}

static void first(go_waitgroup *wg)
{
	get();
	gate_open(&first_done);
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
