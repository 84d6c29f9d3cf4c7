// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* Each gives the one lock back before it takes the other. */
#include <goroutine.h>

static go_mutex a, b;

static void one_by_one(go_mutex *x, go_mutex *y, go_waitgroup *wg)
{
	go_mutex_lock(x);
	go_mutex_unlock(x);
	go_mutex_lock(y);
	go_mutex_unlock(y);
	go_waitgroup_done(wg);
}

int main(void)
{
	go_waitgroup wg = {0};

	go_waitgroup_add(&wg, 2);
	go(one_by_one, &a, &b, &wg);
	go(one_by_one, &b, &a, &wg);
	go_waitgroup_wait(&wg);
}
