// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// FINDINGS: 1
/* One race that happens a thousand times is one finding. */
#include <goroutine.h>

int last;

static void set(int i, go_waitgroup *wg)
{
	last = i;
	go_waitgroup_done(wg);
}

int main(void)
{
	go_waitgroup wg = {0};

	for (int i = 0; i < 1000; i++) {
		go_waitgroup_add(&wg, 1);
		go(set, i, &wg);
	}
	go_waitgroup_wait(&wg);
}
