// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* Opposite orders, but always under a third lock: the two can never overlap. */
#include <goroutine.h>

static go_mutex outer, a, b;

static void both(go_mutex *x, go_mutex *y, go_waitgroup *wg)
{
	go_mutex_lock(&outer);
	go_mutex_lock(x);
	go_mutex_lock(y);
	go_mutex_unlock(y);
	go_mutex_unlock(x);
	go_mutex_unlock(&outer);
	go_waitgroup_done(wg);
}

int main(void)
{
	go_waitgroup wg = {0};

	go_waitgroup_add(&wg, 2);
	go(both, &a, &b, &wg);
	go(both, &b, &a, &wg);
	go_waitgroup_wait(&wg);
}
