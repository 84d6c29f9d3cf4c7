// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// VERDICT: clean|blind|findings
// EXIT: SIGSEGV
/* A crash is the program's own, and its signal passes through. */
#include <goroutine.h>

static void crash(volatile int *p)
{
	*p = 1;
}

int main(void)
{
	go_chan(int) never = go_make(int, 0);

	go(crash, NULL);
	go_select(GO_RECV(never), GO_AFTER(60 * GO_SEC));
}
