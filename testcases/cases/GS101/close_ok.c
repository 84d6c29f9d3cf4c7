// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* close() publishes to everybody who receives "closed". */
#include <goroutine.h>

static int config;

static void user(go_chan(go_unit) ready, go_chan(int) out)
{
	go_recv(ready);
	go_send(out, config);
}

int main(void)
{
	go_chan(go_unit) ready = go_make(go_unit, 0);
	go_chan(int) out = go_make(int, 0);
	int sum = 0;

	for (int i = 0; i < 3; i++)
		go(user, ready, out);
	config = 5;
	go_close(ready);
	for (int i = 0; i < 3; i++)
		sum += go_recv(out);
	return sum != 15;
}
