// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* The waiter was woken and has ended before the free. */
#include <goroutine.h>
#include <stdlib.h>

static go_mutex mu;
static bool ready;

static void waiter(go_cond *c, go_waitgroup *wg)
{
	go_mutex_lock(&mu);
	while (!ready)
		go_cond_wait(c);
	go_mutex_unlock(&mu);
	go_waitgroup_done(wg);
}

int main(void)
{
	go_cond *c = malloc(sizeof *c);
	go_waitgroup wg = {0};

	*c = GO_COND(&mu);
	go_waitgroup_add(&wg, 1);
	go(waiter, c, &wg);
	go_mutex_lock(&mu);
	ready = true;
	go_cond_broadcast(c);
	go_mutex_unlock(&mu);
	go_waitgroup_wait(&wg);
	free(c);
}
