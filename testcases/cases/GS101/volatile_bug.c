// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// OBJECT: flag
/* volatile orders nothing and makes nothing atomic (C11 5.1.2.4p25). */
#include <goroutine.h>

static volatile int flag;

static void child(go_chan(int) done)
{
	flag = 1;
	go_send(done, 0);
}

int main(void)
{
	go_chan(int) done = go_make(int, 0);

	go(child, done);
	int seen = flag;
	go_recv(done);
	return seen > 1;
}
