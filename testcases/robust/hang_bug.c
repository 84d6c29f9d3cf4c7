// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS202 partial-deadlock
// OPTIONS: --timeout=1
// EXIT: 66
/* A hang with a cause: two block each other while a third goroutine keeps ticking. */
#include "../gate.h"

static go_mutex a, b;
static volatile int has[2];

static void transfer(int me, go_mutex *from, go_mutex *to, go_waitgroup *wg)
{
	go_mutex_lock(from);
	gate_open(&has[me]);
	gate_wait(&has[!me]);
	go_mutex_lock(to);
	go_mutex_unlock(to);
	go_mutex_unlock(from);
	go_waitgroup_done(wg);
}

static void heartbeat(void)
{
	for (;;)
		go_sleep(10 * GO_MS);
}

int main(void)
{
	static go_waitgroup wg;

	go(heartbeat);
	go_waitgroup_add(&wg, 2);
	go(transfer, 0, &a, &b, &wg);
	go(transfer, 1, &b, &a, &wg);
	go_waitgroup_wait(&wg);
}
