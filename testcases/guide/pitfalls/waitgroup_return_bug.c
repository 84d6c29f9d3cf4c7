// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS401 waitgroup-add-in-goroutine
/* The guide's loop to the letter: nothing keeps main alive, so Wait sees zero and the program may be over
 * before the first Add. The verdict must not depend on that. */
#include <goroutine.h>

static void worker(go_waitgroup *wg)
{
	go_waitgroup_add(wg, 1);
	go_defer(go_waitgroup_done, wg);
}

int main(void)
{
	go_waitgroup wg = {0};

	for (int i = 0; i < 10; i++)
		go(worker, &wg);
	go_waitgroup_wait(&wg);
}
