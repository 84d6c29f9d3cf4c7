// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* The third philosopher takes the lower fork first. */
#include <goroutine.h>

static go_mutex fork_[3];

static void philosopher(int i, go_waitgroup *wg)
{
	int first = i < 2 ? i : 0, second = i < 2 ? i + 1 : 2;

	go_mutex_lock(&fork_[first]);
	go_mutex_lock(&fork_[second]);
	go_mutex_unlock(&fork_[second]);
	go_mutex_unlock(&fork_[first]);
	go_waitgroup_done(wg);
}

int main(void)
{
	go_waitgroup wg = {0};

	go_waitgroup_add(&wg, 3);
	for (int i = 0; i < 3; i++)
		go(philosopher, i, &wg);
	go_waitgroup_wait(&wg);
}
