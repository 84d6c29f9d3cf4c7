// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* Different fields of one struct are different objects. */
#include <goroutine.h>

static struct {
	int version;
	int limit;
} config;

static void reload(go_chan(int) done)
{
	config.limit = 100;
	go_send(done, 0);
}

int main(void)
{
	go_chan(int) done = go_make(int, 0);

	go(reload, done);
	int version = config.version;
	go_recv(done);
	return version;
}
