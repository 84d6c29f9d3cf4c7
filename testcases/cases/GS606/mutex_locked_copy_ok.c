// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* What is copied is what the mutex protects. */
#include <goroutine.h>

struct account {
	go_mutex mu;
	int balance;
};

int main(void)
{
	static struct account a, snapshot;

	go_mutex_lock(&a.mu);
	a.balance++;
	snapshot.balance = a.balance;
	go_mutex_unlock(&a.mu);
	go_mutex_lock(&snapshot.mu);
	go_mutex_unlock(&snapshot.mu);
}
