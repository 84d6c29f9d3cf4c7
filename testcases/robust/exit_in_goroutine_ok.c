// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// EXIT: 9
/* exit() from a goroutine while main sleeps. */
#include <goroutine.h>
#include <stdlib.h>

static void leave(void)
{
	exit(9);
}

int main(void)
{
	go(leave);
	go_sleep(60 * GO_SEC);
}
