// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* Check and act under one lock. */
#include <goroutine.h>

static int balance = 100;
static go_mutex mu;

static void withdraw(int amount, go_waitgroup *wg)
{
	go_mutex_lock(&mu);
	if (balance >= amount)
		balance -= amount;
	go_mutex_unlock(&mu);
	go_waitgroup_done(wg);
}

int main(void)
{
	go_waitgroup wg = {0};

	go_waitgroup_add(&wg, 2);
	go(withdraw, 10, &wg);
	go(withdraw, 20, &wg);
	go_waitgroup_wait(&wg);
	return balance != 70;
}
