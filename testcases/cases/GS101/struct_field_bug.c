// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// OBJECT: config
// FUNCTIONS: reload main
/* One field of a shared struct is written while another goroutine reads that field. */
#include <goroutine.h>

struct {
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
	int limit = config.limit;
	go_recv(done);
	return limit > 100;
}
