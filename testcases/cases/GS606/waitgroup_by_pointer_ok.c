// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* A WaitGroup is passed by pointer. */
#include <goroutine.h>

static __attribute__((noinline)) void finish(go_waitgroup *wg)
{
	go_waitgroup_done(wg);
	__asm__ volatile("");
}

int main(void)
{
	go_waitgroup wg = {0};

	go_waitgroup_add(&wg, 1);
	finish(&wg);
	go_waitgroup_wait(&wg);
}
