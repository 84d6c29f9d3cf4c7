// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// OBJECT: draws
/* The state is each thread's own, the count is not. */
#include <goroutine.h>

static _Thread_local unsigned state = 1;
static unsigned draws;

static unsigned draw(void)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	draws++;
	return state;
}

static void work(go_waitgroup *wg)
{
	draw();
	go_waitgroup_done(wg);
}

int main(void)
{
	go_waitgroup wg = {0};

	go_waitgroup_add(&wg, 2);
	go(work, &wg);
	go(work, &wg);
	go_waitgroup_wait(&wg);
	return draw() == 0;
}
