// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* The once is done before the lock is taken. */
#include <goroutine.h>

static go_mutex mu;
static go_once once;

static void set_up(void)
{
	go_mutex_lock(&mu);
	go_mutex_unlock(&mu);
}

static void user(go_waitgroup *wg)
{
	go_once_do(&once, set_up);
	go_mutex_lock(&mu);
	go_mutex_unlock(&mu);
	go_waitgroup_done(wg);
}

int main(void)
{
	static go_waitgroup wg;

	go_waitgroup_add(&wg, 2);
	go(user, &wg);
	go(user, &wg);
	go_waitgroup_wait(&wg);
}
