// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* The third right form: go_waitgroup_go() adds, starts, and does Done at the end. */
#include <goroutine.h>
#include <stdatomic.h>
#include <stdio.h>

static atomic_int ran;

static void work(int n)
{
	atomic_fetch_add(&ran, n);
}

int main(void)
{
	go_waitgroup wg = {0};

	for (int i = 0; i < 10; i++)
		go_waitgroup_go(&wg, work, 1);
	go_waitgroup_wait(&wg);
	printf("ran %d\n", atomic_load(&ran));
}
