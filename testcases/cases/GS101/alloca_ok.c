// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* alloca() and variable-length arrays on goroutine stacks. */
#include <alloca.h>
#include <goroutine.h>
#include <string.h>

static int fill(size_t n)
{
	char *p = alloca(n), vla[n];

	memset(p, 1, n);
	memset(vla, 2, n);
	return p[n / 2] + vla[n / 2];
}

static void worker(size_t n, go_chan(int) out)
{
	int sum = 0;

	for (size_t i = 1; i <= n; i *= 2)
		sum += fill(i);
	go_send(out, sum);
}

int main(void)
{
	go_chan(int) out = go_make(int, 0);

	for (size_t i = 0; i < 8; i++)
		go(worker, (size_t)1024, out);
	for (int i = 0; i < 8; i++)
		if (go_recv(out) != 33)
			return 1;
}
