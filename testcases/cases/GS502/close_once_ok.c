// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* go_once_do() closes it once. */
#include <goroutine.h>

static go_once once;
static go_chan(int) ch;

static void close_it(void)
{
	go_close(ch);
}

static void finish(go_waitgroup *wg)
{
	go_once_do(&once, close_it);
	go_waitgroup_done(wg);
}

int main(void)
{
	go_waitgroup wg = {0};

	ch = go_make(int, 0);
	go_waitgroup_add(&wg, 2);
	go(finish, &wg);
	go(finish, &wg);
	go_waitgroup_wait(&wg);
}
