// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* As in Go, one goroutine may lock a mutex and another unlock it. */
#include <goroutine.h>

static go_mutex mu;

static void unlocker(go_chan(go_unit) done)
{
	go_mutex_unlock(&mu);
	go_send(done, GO_UNIT);
}

int main(void)
{
	go_chan(go_unit) done = go_make(go_unit, 0);

	go_mutex_lock(&mu);
	go(unlocker, done);
	go_recv(done);
	go_mutex_lock(&mu);
	go_mutex_unlock(&mu);
}
