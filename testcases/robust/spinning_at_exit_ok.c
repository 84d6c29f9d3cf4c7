// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// EXIT: 3
// TIMEOUT: 20
/* main returns while a goroutine computes for ever, also with one processor: the process ends all the same. */
#include <goroutine.h>

static void spin(void)
{
	for (;;)
		__asm__ volatile("");
}

int main(void)
{
	go(spin);
	return 3;
}
