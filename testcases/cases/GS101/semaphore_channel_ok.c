// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* A channel of capacity one is a mutex: the k-th receive happens before the (k+1)-th send completes. */
#include <goroutine.h>

static int shared;

static void add(go_chan(go_unit) sem, go_waitgroup *wg)
{
	go_send(sem, GO_UNIT);
	shared++;
	go_recv(sem);
	go_waitgroup_done(wg);
}

int main(void)
{
	go_chan(go_unit) sem = go_make(go_unit, 1);
	go_waitgroup wg = {0};

	go_waitgroup_add(&wg, 8);
	for (int i = 0; i < 8; i++)
		go(add, sem, &wg);
	go_waitgroup_wait(&wg);
	return shared != 8;
}
