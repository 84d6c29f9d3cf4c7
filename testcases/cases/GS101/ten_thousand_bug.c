// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// OBJECT: last
// FINDINGS: 1
// TIMEOUT: 60
/* Ten thousand goroutines alive at once; only numbers 17 and 9017 touch `last`, without the lock. */
#include <goroutine.h>

int counter, last;
static go_mutex mu;

static void add(int i, go_chan(go_unit) start, go_waitgroup *wg)
{
	go_recv(start);
	if (i % 9000 == 17)
		last = i;
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
		go(add, i, start, &wg);
	}
	go_close(start);
	go_waitgroup_wait(&wg);
}
