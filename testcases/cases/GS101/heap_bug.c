// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// OBJECT-KIND: heap
// FUNCTIONS: deposit
/* Two goroutines add to an account on the heap without a lock. */
#include <goroutine.h>
#include <stdlib.h>

struct account {
	int id;
	long balance;
};

static void deposit(struct account *a, go_waitgroup *wg)
{
	a->balance += 10;
	go_waitgroup_done(wg);
}

int main(void)
{
	struct account *a = calloc(1, sizeof *a);
	go_waitgroup wg = {0};

	go_waitgroup_add(&wg, 2);
	go(deposit, a, &wg);
	go(deposit, a, &wg);
	go_waitgroup_wait(&wg);
	free(a);
}
