// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* Many short goroutines run on the same few stacks: what an earlier one left there is no race. */
#include <goroutine.h>
#include <string.h>

static void use_stack(int i, go_chan(int) out)
{
	char local[2000];

	memset(local, i, sizeof local);
	go_send(out, local[i % 2000]);
}

int main(void)
{
	go_chan(int) out = go_make(int, 16);

	for (int round = 0; round < 50; round++) {
		for (int i = 0; i < 16; i++)
			go(use_stack, i, out);
		for (int i = 0; i < 16; i++)
			go_recv(out);
	}
}
