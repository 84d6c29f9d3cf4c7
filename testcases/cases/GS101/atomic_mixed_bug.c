// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// OBJECT: hits
/* An atomic increment does not help against a plain read elsewhere. */
#include <goroutine.h>

static int hits;

static void hit(go_chan(int) done)
{
	__atomic_fetch_add(&hits, 1, __ATOMIC_SEQ_CST);
	go_send(done, 0);
}

int main(void)
{
	go_chan(int) done = go_make(int, 0);

	go(hit, done);
	int seen = hits;
	go_recv(done);
	return seen > 1;
}
