// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// EXPECT-OUTPUT: unordered
// ~10 Worker \d+ starting
// ~10 Worker \d+ done
// ~ At most [1-3] at once
/* Bounded parallelism: a channel of capacity three is a semaphore. */
#include "guide.h"

#include <stdatomic.h>

static atomic_int active, most;

static void release(go_chan(go_unit) semaphore)
{
	go_recv(semaphore);
}

static void worker(int id, go_waitgroup *wg, go_chan(go_unit) semaphore)
{
	go_defer(go_waitgroup_done, wg);
	go_send(semaphore, GO_UNIT); /* acquire a token */
	go_defer(release, semaphore);

	int now = atomic_fetch_add(&active, 1) + 1, before = atomic_load(&most);
	while (now > before && !atomic_compare_exchange_weak(&most, &before, now))
		;
	printf("Worker %d starting\n", id);
	go_sleep(GUIDE_MS(1000)); /* simulate work */
	printf("Worker %d done\n", id);
	atomic_fetch_sub(&active, 1);
}

int main(void)
{
	go_waitgroup wg = {0};
	go_chan(go_unit) semaphore = go_make(go_unit, 3); /* at most 3 at once */

	for (int i = 1; i <= 10; i++) {
		go_waitgroup_add(&wg, 1);
		go(worker, i, &wg, semaphore);
	}
	go_waitgroup_wait(&wg);
	printf("At most %d at once\n", atomic_load(&most));
}
