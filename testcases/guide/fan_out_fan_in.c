// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// EXPECT-OUTPUT: unordered
// | 0
// | 1
// | 4
// | 9
// | 16
// | 25
// | 36
// | 49
// | 64
// | 81
/* Fan-out to three squarers, fan-in of their results: one goroutine per input forwards, and one closes the
 * merged channel when all of them are done. */
#include "guide.h"

static void square(go_chan(int) in, go_chan(int) out)
{
	go_range(n, in) {
		go_send(out, n * n);
	}
	go_close(out);
}

static go_chan(int) squarer(go_chan(int) in)
{
	go_chan(int) out = go_make(int, 0);

	go(square, in, out);
	return out;
}

static void output(go_waitgroup *wg, go_chan(int) from, go_chan(int) to)
{
	go_defer(go_waitgroup_done, wg);
	go_range(n, from) {
		go_send(to, n);
	}
}

static void close_merged(go_waitgroup *wg, go_chan(int) out)
{
	go_waitgroup_wait(wg);
	go_close(out);
}

int main(void)
{
	go_chan(int) input = go_make(int, 100);
	go_chan(int) squares[3] = {squarer(input), squarer(input), squarer(input)};
	go_chan(int) merged = go_make(int, 0);
	go_waitgroup wg = {0};

	go_waitgroup_add(&wg, 3);
	for (int i = 0; i < 3; i++)
		go(output, &wg, squares[i], merged);
	go(close_merged, &wg, merged);

	for (int i = 0; i < 10; i++)
		go_send(input, i);
	go_close(input);
	go_range(result, merged) {
		printf("%d\n", result);
	}
}
