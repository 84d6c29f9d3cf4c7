// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS403 waitgroup-reuse
// OBJECT: wg
// FUNCTIONS: other_waiter main
/* Two goroutines wait for a round; main starts the next one without knowing that the other's Wait has
 * returned. (The gate lets it return first.) */
#include "../../gate.h"

static volatile int returned;

static void worker(go_waitgroup *wg)
{
	go_waitgroup_done(wg);
}

static void other_waiter(go_waitgroup *wg)
{
	go_waitgroup_wait(wg);
	gate_open(&returned);
}

int main(void)
{
	static go_waitgroup wg;

	go_waitgroup_add(&wg, 1);
	go(other_waiter, &wg);
	go(worker, &wg);
	go_waitgroup_wait(&wg);
	gate_wait(&returned);
	go_waitgroup_add(&wg, 1); /* the next round */
	go(worker, &wg);
	go_waitgroup_wait(&wg);
}
