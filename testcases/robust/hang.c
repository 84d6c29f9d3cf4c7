// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// VERDICT: clean|blind|findings
// OPTIONS: --timeout=1
// EXIT: 124
// MATCH: sleep
/* A program that hangs is stopped by --timeout, and the report says who waits for what. */
#include <goroutine.h>

static void worker(go_chan(int) results)
{
	go_sleep(3600 * GO_SEC);
	go_send(results, 1);
}

int main(void)
{
	go_chan(int) results = go_make(int, 0);

	go(worker, results);
	go_recv(results);
}
