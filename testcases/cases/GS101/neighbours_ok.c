// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* Eight goroutines write the eight bytes of one word: false sharing is slow, not wrong. */
#include <goroutine.h>

static _Alignas(8) unsigned char bytes[8];

static void set(int i, go_waitgroup *wg)
{
	for (int n = 0; n < 100; n++)
		bytes[i]++;
	go_waitgroup_done(wg);
}

int main(void)
{
	go_waitgroup wg = {0};

	go_waitgroup_add(&wg, 8);
	for (int i = 0; i < 8; i++)
		go(set, i, &wg);
	go_waitgroup_wait(&wg);
	return bytes[7] != 100;
}
