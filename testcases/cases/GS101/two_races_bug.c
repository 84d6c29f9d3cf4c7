// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// FINDINGS: 2
/* Two different races are two findings, also when they are alike. */
#include <goroutine.h>

int first, second;

static void set_first(go_waitgroup *wg)
{
	first = 1;
	go_waitgroup_done(wg);
}

static void set_second(go_waitgroup *wg)
{
	second = 1;
	go_waitgroup_done(wg);
}

int main(void)
{
	go_waitgroup wg = {0};

	go_waitgroup_add(&wg, 4);
	go(set_first, &wg);
	go(set_first, &wg);
	go(set_second, &wg);
	go(set_second, &wg);
	go_waitgroup_wait(&wg);
}
