// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* The same two goroutines with one order of the locks. */
#include "../../gate.h"

static go_mutex a, b;

static void transfer(go_chan(int) done)
{
	go_mutex_lock(&a);
	go_mutex_lock(&b);
	go_mutex_unlock(&b);
	go_mutex_unlock(&a);
	go_send(done, 0);
}

int main(void)
{
	go_chan(int) done = go_make(int, 0);

	go(transfer, done);
	go(transfer, done);
	go_recv(done);
	go_recv(done);
}
