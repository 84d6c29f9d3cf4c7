// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS304 timer-leak
// GRADE: proved
// FUNCTIONS: poll_twice
/* A function makes a ticker, uses it twice, and returns without stopping it. */
#include <goroutine.h>

static __attribute__((noinline)) void poll_twice(void)
{
	go_ticker *ticker = go_ticker_new(2 * GO_MS);

	go_recv(go_ticker_chan(ticker));
	go_recv(go_ticker_chan(ticker));
}

int main(void)
{
	poll_twice();
}
