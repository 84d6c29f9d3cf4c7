// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// VERDICT: clean|blind|findings
// EXIT: 2
// MATCH: stack overflow
/* Endless recursion in a goroutine: the runtime names the goroutine, instead of a silent crash. */
#include <goroutine.h>

static __attribute__((noinline)) int recurse(volatile int n)
{
	volatile char frame[512];

	frame[0] = (char)n;
	return n < 0 ? 0 : recurse(n + 1) + frame[0];
}

static void dive(void)
{
	recurse(1);
}

int main(void)
{
	go_chan(int) never = go_make(int, 0);

	go(dive);
	go_select(GO_RECV(never), GO_AFTER(60 * GO_SEC));
}
