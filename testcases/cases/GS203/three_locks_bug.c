// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS203 lock-order
// FINDINGS: 1
/* a before b, b before c, c before a: a cycle that no two of them show. */
#include "../../gate.h"

static go_mutex locks[3];
static volatile int turn[3];

static void both(int i, go_waitgroup *wg)
{
	if (i > 0)
		gate_wait(&turn[i - 1]);
	go_mutex_lock(&locks[i]);
	go_mutex_lock(&locks[(i + 1) % 3]);
	go_mutex_unlock(&locks[(i + 1) % 3]);
	go_mutex_unlock(&locks[i]);
	gate_open(&turn[i]);
	go_waitgroup_done(wg);
}

int main(void)
{
	static go_waitgroup wg;

	go_waitgroup_add(&wg, 3);
	for (int i = 0; i < 3; i++)
		go(both, i, &wg);
	go_waitgroup_wait(&wg);
}
