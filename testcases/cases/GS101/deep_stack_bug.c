// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// FUNCTIONS: leaf middle outer
/* The report has the whole call path of both accesses, however deep. */
#include <goroutine.h>

int shared;

static __attribute__((noinline)) void leaf(int n)
{
	shared = n;
}

static __attribute__((noinline)) void middle(int n)
{
	leaf(n + 1);
	__asm__ volatile("");
}

static __attribute__((noinline)) void outer(go_waitgroup *wg)
{
	middle(1);
	go_waitgroup_done(wg);
}

int main(void)
{
	go_waitgroup wg = {0};

	go_waitgroup_add(&wg, 2);
	go(outer, &wg);
	go(outer, &wg);
	go_waitgroup_wait(&wg);
}
