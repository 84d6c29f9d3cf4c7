// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// OBJECT: shared
/* A channel of capacity two lets two in: no mutex. The gates keep both inside at once. */
#include "../../gate.h"

static int shared;
static volatile int in[2];

static void add(int me, go_chan(go_unit) sem, go_waitgroup *wg)
{
	go_send(sem, GO_UNIT);
	gate_open(&in[me]);
	gate_wait(&in[!me]);
	shared++;
	go_recv(sem);
	go_waitgroup_done(wg);
}

int main(void)
{
	go_chan(go_unit) sem = go_make(go_unit, 2);
	static go_waitgroup wg;

	go_waitgroup_add(&wg, 2);
	go(add, 0, sem, &wg);
	go(add, 1, sem, &wg);
	go_waitgroup_wait(&wg);
}
