// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* a before b, b before c, a before c: no cycle. */
#include <goroutine.h>

static go_mutex locks[3];

static void both(int i, int j, go_waitgroup *wg)
{
	go_mutex_lock(&locks[i]);
	go_mutex_lock(&locks[j]);
	go_mutex_unlock(&locks[j]);
	go_mutex_unlock(&locks[i]);
	go_waitgroup_done(wg);
}

int main(void)
{
	go_waitgroup wg = {0};

	go_waitgroup_add(&wg, 3);
	go(both, 0, 1, &wg);
	go(both, 1, 2, &wg);
	go(both, 0, 2, &wg);
	go_waitgroup_wait(&wg);
}
