// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* The same with go_once: every return of go_once_do() comes after the initialisation. */
#include <goroutine.h>

static int value, *instance;
static go_once once;

static void init(void)
{
	value = 1;
	instance = &value;
}

static void use(go_waitgroup *wg)
{
	go_once_do(&once, init);
	value += *instance == 0;
	go_waitgroup_done(wg);
}

static void use_read(go_chan(int) out)
{
	go_once_do(&once, init);
	go_send(out, *instance);
}

int main(void)
{
	go_chan(int) out = go_make(int, 0);
	static go_waitgroup wg;
	int sum = 0;

	for (int i = 0; i < 4; i++)
		go(use_read, out);
	for (int i = 0; i < 4; i++)
		sum += go_recv(out);
	go_waitgroup_add(&wg, 1);
	go(use, &wg);
	go_waitgroup_wait(&wg);
	return sum != 4;
}
