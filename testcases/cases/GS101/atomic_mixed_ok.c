// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* Atomic increments while the goroutines run; the plain read comes after they are done. */
#include <goroutine.h>

static int hits;

static void hit(go_waitgroup *wg)
{
	__atomic_fetch_add(&hits, 1, __ATOMIC_RELAXED);
	go_waitgroup_done(wg);
}

int main(void)
{
	go_waitgroup wg = {0};

	go_waitgroup_add(&wg, 2);
	go(hit, &wg);
	go(hit, &wg);
	go_waitgroup_wait(&wg);
	return hits != 2;
}
