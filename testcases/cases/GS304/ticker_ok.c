// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* The ticker is stopped when the function returns. */
#include <goroutine.h>

static __attribute__((noinline)) void poll_twice(void)
{
	go_ticker *ticker = go_ticker_new(2 * GO_MS);
	go_defer(go_ticker_stop, ticker);

	go_recv(go_ticker_chan(ticker));
	go_recv(go_ticker_chan(ticker));
}

int main(void)
{
	poll_twice();
}
