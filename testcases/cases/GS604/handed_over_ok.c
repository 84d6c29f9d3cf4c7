// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* The goroutine that locked has ended, and main unlocks for it: unusual, and right. */
#include <goroutine.h>

static go_mutex mu;

static void locker(void)
{
	go_mutex_lock(&mu);
}

int main(void)
{
	go_waitgroup wg = {0};

	go_waitgroup_go(&wg, locker);
	go_waitgroup_wait(&wg);
	go_mutex_unlock(&mu);
}
