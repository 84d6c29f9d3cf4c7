// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* main closes after it has waited for the producer. */
#include <goroutine.h>

static void producer(go_chan(int) ch, go_waitgroup *wg)
{
	go_send(ch, 1);
	go_waitgroup_done(wg);
}

int main(void)
{
	go_chan(int) ch = go_make(int, 1);
	go_waitgroup wg = {0};

	go_waitgroup_add(&wg, 1);
	go(producer, ch, &wg);
	go_waitgroup_wait(&wg);
	go_close(ch);
}
