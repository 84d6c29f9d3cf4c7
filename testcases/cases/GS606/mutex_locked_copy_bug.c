// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS606 sync-copy
// EXIT: 2
// FINDINGS: 1
/* A struct is copied while its mutex is locked. Nobody will ever unlock the copy, and whoever locks it hangs: that is
 * a consequence. */
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
	snapshot = a;
	go_mutex_unlock(&a.mu);
	go_mutex_lock(&snapshot.mu);
	go_mutex_unlock(&snapshot.mu);
}
