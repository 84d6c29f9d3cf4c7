// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* A copy of a zeroed object that was never used is a fresh object. */
#include <goroutine.h>

struct account {
	go_mutex mu;
	int balance;
};
static const struct account fresh = {.balance = 100};

int main(void)
{
	struct account a = fresh, b = a;

	go_mutex_lock(&a.mu);
	go_mutex_lock(&b.mu);
	go_mutex_unlock(&b.mu);
	go_mutex_unlock(&a.mu);
	return a.balance != b.balance;
}
