// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// TIMEOUT: 60
/* Two hundred thousand channel operations and as many accesses: nothing is lost. */
#include <goroutine.h>

static long sums[4];

static void adder(int me, go_chan(int) ch, go_waitgroup *wg)
{
	go_range(v, ch) {
		sums[me] += v;
	}
	go_waitgroup_done(wg);
}

int main(void)
{
	go_chan(int) ch = go_make(int, 64);
	go_waitgroup wg = {0};

	go_waitgroup_add(&wg, 4);
	for (int i = 0; i < 4; i++)
		go(adder, i, ch, &wg);
	for (int i = 0; i < 100000; i++)
		go_send(ch, 1);
	go_close(ch);
	go_waitgroup_wait(&wg);
	return sums[0] + sums[1] + sums[2] + sums[3] != 100000;
}
