// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* Only the balance is copied; each account has its own fresh mutex. */
#include <goroutine.h>

struct account {
	go_mutex mu;
	int balance;
};

static void deposit(struct account *a, int amount)
{
	go_mutex_lock(&a->mu);
	a->balance += amount;
	go_mutex_unlock(&a->mu);
}

int main(void)
{
	struct account a = {0};

	deposit(&a, 10);
	struct account b = {.balance = a.balance};
	deposit(&b, 5);
	return a.balance + b.balance != 25;
}
