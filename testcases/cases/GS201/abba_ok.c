// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* Both take the locks in one order. */
#include <goroutine.h>

static go_mutex a, b;

static void transfer(go_waitgroup *wg)
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
	go(transfer, &wg);
	go(transfer, &wg);
	go_waitgroup_wait(&wg);
}
