// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS606 sync-copy
// FUNCTIONS: finish
/* A WaitGroup is passed by value: Done counts down the copy. */
#include <goroutine.h>

static __attribute__((noinline)) void finish(go_waitgroup wg)
{
	go_waitgroup_done(&wg);
	__asm__ volatile("");
}

int main(void)
{
	go_waitgroup wg = {0};

	go_waitgroup_add(&wg, 1);
	finish(wg);
	go_waitgroup_done(&wg); /* or the Wait would never return */
	go_waitgroup_wait(&wg);
}
