// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* One order of the locks everywhere. */
#include <goroutine.h>

static go_mutex a, b;

static void both(go_waitgroup *wg)
{
	go_mutex_lock(&a);
	go_mutex_lock(&b);
	go_mutex_unlock(&b);
	go_mutex_unlock(&a);
	go_waitgroup_done(wg);
}

int main(void)
{
	go_waitgroup wg = {0};

	go_waitgroup_add(&wg, 2);
	go(both, &wg);
	go(both, &wg);
	go_waitgroup_wait(&wg);
}
