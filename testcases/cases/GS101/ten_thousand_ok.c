// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// TIMEOUT: 60
/* Ten thousand goroutines alive at once, one counter, one lock. */
#include <goroutine.h>
#include <stdio.h>

static int counter;
static go_mutex mu;

static void add(go_chan(go_unit) start, go_waitgroup *wg)
{
	go_recv(start);
	go_mutex_lock(&mu);
	counter++;
	go_mutex_unlock(&mu);
	go_waitgroup_done(wg);
}

int main(void)
{
	go_chan(go_unit) start = go_make(go_unit, 0);
	go_waitgroup wg = {0};

	for (int i = 0; i < 10000; i++) {
		go_waitgroup_add(&wg, 1);
		go(add, start, &wg);
	}
	go_close(start);
	go_waitgroup_wait(&wg);
	return counter != 10000;
}
