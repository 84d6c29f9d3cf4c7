// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS301 goroutine-leak
// FINDINGS: 1
// FUNCTIONS: boss
// MATCH: holds mutex mu, for\s+which goroutine [0-9]+ \(worker\) waits
// NEVER: every Add has its Done
/* The boss waits for its workers and keeps the lock that they need: it waits for them, they for it. That is one
 * leak, told by the first of the circle. */
#include "../../gate.h"

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

static void boss(void)
{
	go_mutex_lock(&mu);
	total = 0;
	go_waitgroup_add(&wg, 3);
	for (int i = 0; i < 3; i++)
		go(worker, i);
	go_waitgroup_wait(&wg); /* should have unlocked before */
	go_mutex_unlock(&mu);
}

int main(void)
{
	go(boss);
	gate_parked("sync.Mutex.Lock", 3);
	gate_parked("sync.WaitGroup.Wait", 1);
}
