// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* Ownership travels with the pointer: each receiver frees what it received. */
#include <goroutine.h>
#include <stdlib.h>

static void consumer(go_chan(int *) ch, go_waitgroup *wg)
{
	go_range(p, ch) {
		*p += 1;
		free(p);
	}
	go_waitgroup_done(wg);
}

int main(void)
{
	go_chan(int *) ch = go_make(int *, 4);
	go_waitgroup wg = {0};

	go_waitgroup_add(&wg, 3);
	for (int i = 0; i < 3; i++)
		go(consumer, ch, &wg);
	for (int i = 0; i < 100; i++) {
		int *p = malloc(sizeof *p);
		*p = i;
		go_send(ch, p);
	}
	go_close(ch);
	go_waitgroup_wait(&wg);
}
