// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* Goroutines that are run by one thread take turns at its thread-local variables. */
#include <goroutine.h>

static _Thread_local unsigned state = 1;
static _Thread_local char seen[64];

static unsigned draw(void)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	seen[state % sizeof(seen)]++;
	return state;
}

static void work(go_waitgroup *wg)
{
	for (int i = 0; i < 20; i++) {
		draw();
		go_yield();
	}
	go_waitgroup_done(wg);
}

int main(void)
{
	go_waitgroup wg = {0};

	go_waitgroup_add(&wg, 6);
	for (int i = 0; i < 6; i++)
		go(work, &wg);
	draw();
	go_waitgroup_wait(&wg);
	return draw() == 0;
}
