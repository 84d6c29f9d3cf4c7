// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* Deep, but not too deep: 500 frames on a goroutine's stack, 20,000 on main's. */
#include <goroutine.h>

static __attribute__((noinline)) int depth(int n)
{
	volatile char frame[16];

	frame[0] = (char)n;
	return n == 0 ? 0 : depth(n - 1) + 1 + (frame[0] & 0);
}

static void dive(go_chan(int) out)
{
	go_send(out, depth(500));
}

int main(void)
{
	go_chan(int) out = go_make(int, 0);

	go(dive, out);
	return go_recv(out) != 500 || depth(20000) != 20000;
}
