// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* main reads its local after it heard that the goroutine wrote it. */
#include <goroutine.h>

static void fill(int *result, go_chan(go_unit) done)
{
	*result = 7;
	go_send(done, GO_UNIT);
}

int main(void)
{
	go_chan(go_unit) done = go_make(go_unit, 0);
	int result = 0;

	go(fill, &result, done);
	go_recv(done);
	return result != 7;
}
