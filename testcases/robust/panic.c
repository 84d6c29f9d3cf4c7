// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// VERDICT: clean|blind|findings
// EXIT: 2
// MATCH: out of cheese
/* go_panic() ends the program with status 2, and what it leaves open is no finding. */
#include <goroutine.h>

static void waiter(go_chan(int) ch)
{
	go_recv(ch);
}

int main(void)
{
	go_chan(int) ch = go_make(int, 0);

	go(waiter, ch);
	go_ticker_new(GO_SEC);
	go_yield();
	go_panic("out of cheese");
}
