// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* The boss unlocks before it waits for the workers that need the lock. */
#include <goroutine.h>

static go_mutex mu;
static go_waitgroup wg;
static int total;

static void worker(int n)
{
	go_defer(go_waitgroup_done, &wg);
	go_mutex_lock(&mu);
	total += n;
	go_mutex_unlock(&mu);
}

static void boss(go_chan(int) done)
{
	go_mutex_lock(&mu);
	total = 0;
	go_waitgroup_add(&wg, 3);
	for (int i = 0; i < 3; i++)
		go(worker, i);
	go_mutex_unlock(&mu);
	go_waitgroup_wait(&wg);
	go_send(done, total);
}

int main(void)
{
	go_chan(int) done = go_make(int, 0);

	go(boss, done);
	return go_recv(done) - 3;
}
