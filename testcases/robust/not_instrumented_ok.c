// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// VERDICT: clean|blind
// INSTRUMENT: no
// NOT-CHECKED: .
/* Compiled without instrumentation and right: the verdict names what wasn't checked. */
#include <goroutine.h>

static void work(go_chan(int) done)
{
	go_send(done, 1);
}

int main(void)
{
	go_chan(int) done = go_make(int, 0);

	go(work, done);
	return go_recv(done) != 1;
}
