// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// OBJECT: shared
// MATCH: mu_a
/* Both hold a lock, but not the same one. */
#include <goroutine.h>

static int shared;
static go_mutex mu_a, mu_b;

static void add(go_mutex *mu, go_waitgroup *wg)
{
	go_mutex_lock(mu);
	shared++;
	go_mutex_unlock(mu);
	go_waitgroup_done(wg);
}

int main(void)
{
	go_waitgroup wg = {0};

	go_waitgroup_add(&wg, 2);
	go(add, &mu_a, &wg);
	go(add, &mu_b, &wg);
	go_waitgroup_wait(&wg);
}
