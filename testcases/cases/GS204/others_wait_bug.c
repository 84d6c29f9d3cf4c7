// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS204 double-lock
// OBJECT: mu
// EXIT: 2
// FINDINGS: 1
/* One goroutine locks twice; three others and main wait behind it. One cause, one finding. */
#include <goroutine.h>

static go_mutex mu;

static void worker(int id, go_waitgroup *wg)
{
	go_mutex_lock(&mu);
	if (id == 0)
		go_mutex_lock(&mu); /* should have been an unlock */
	go_mutex_unlock(&mu);
	go_waitgroup_done(wg);
}

int main(void)
{
	go_waitgroup wg = {0};

	go_waitgroup_add(&wg, 4);
	for (int i = 0; i < 4; i++)
		go(worker, i, &wg);
	go_waitgroup_wait(&wg);
}
