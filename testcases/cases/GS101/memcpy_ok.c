// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* memcpy ends where the other goroutine's part begins. */
#include <goroutine.h>
#include <string.h>

static int table[256], fresh[256];

static void refresh(size_t n, go_chan(int) done)
{
	memcpy(table, fresh, n * sizeof table[0]);
	go_send(done, 0);
}

int main(void)
{
	go_chan(int) done = go_make(int, 0);

	go(refresh, 200, done);
	int element = table[200];
	go_recv(done);
	return element;
}
