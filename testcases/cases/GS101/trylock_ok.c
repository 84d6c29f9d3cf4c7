// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* A lock taken by trylock protects as well as one that was waited for. */
#include <goroutine.h>

static int shared;
static go_mutex mu;

static void add(go_waitgroup *wg)
{
	while (!go_mutex_trylock(&mu))
		go_yield();
	shared++;
	go_mutex_unlock(&mu);
	go_waitgroup_done(wg);
}

int main(void)
{
	go_waitgroup wg = {0};

	go_waitgroup_add(&wg, 4);
	for (int i = 0; i < 4; i++)
		go(add, &wg);
	go_waitgroup_wait(&wg);
	return shared != 4;
}
