// SPDX-License-Identifier: Apache-2.0
/* Adds the numbers to argv[1] in as many goroutines, and checks the result. */
#include <goroutine.h>

#include <stdio.h>
#include <stdlib.h>

static void give(go_chan(long) out, long i)
{
	go_send(out, i);
}

int main(int argc, char **argv)
{
	long n = argc > 1 ? strtol(argv[1], NULL, 10) : 10, sum = 0;
	go_chan(long) out = go_make(long, 0);

	for (long i = 1; i <= n; i++)
		go(give, out, i);
	for (long i = 1; i <= n; i++)
		sum += go_recv(out);
	go_chan_free(out);
	printf("%ld\n", sum);
	return sum == n * (n + 1) / 2 ? 0 : 1;
}
