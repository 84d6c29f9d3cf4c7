// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS402 waitgroup-negative
// EXIT: 2
// FUNCTIONS: main
/* One Done too many: it panics. */
#include <goroutine.h>

static void worker(go_waitgroup *wg)
{
	go_waitgroup_done(wg);
}

int main(void)
{
	go_waitgroup wg = {0};

	go_waitgroup_add(&wg, 1);
	go(worker, &wg);
	go_waitgroup_wait(&wg);
	go_waitgroup_done(&wg);
}
