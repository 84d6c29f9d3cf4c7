// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// LINK: -s
// FUNCTIONS-MAY-BE-UNKNOWN: yes
// FINGERPRINT: varies
/* Stripped: modules and offsets are left, and the verdict is the same. (Two places of one function can't be
 * told to be one function, so which findings are folded depends on the order.) */
#include <goroutine.h>

static int counter;

static void increment(go_waitgroup *wg)
{
	counter++;
	go_waitgroup_done(wg);
}

int main(void)
{
	go_waitgroup wg = {0};

	go_waitgroup_add(&wg, 2);
	go(increment, &wg);
	go(increment, &wg);
	go_waitgroup_wait(&wg);
}
