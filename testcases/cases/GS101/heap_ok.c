// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* Each goroutine has its own account; main adds them up after the Wait. */
#include <goroutine.h>
#include <stdlib.h>

static void deposit(long *balance, go_waitgroup *wg)
{
	*balance += 10;
	go_waitgroup_done(wg);
}

int main(void)
{
	long *balances = calloc(2, sizeof *balances);
	go_waitgroup wg = {0};

	go_waitgroup_add(&wg, 2);
	go(deposit, &balances[0], &wg);
	go(deposit, &balances[1], &wg);
	go_waitgroup_wait(&wg);
	long sum = balances[0] + balances[1];
	free(balances);
	return sum != 20;
}
