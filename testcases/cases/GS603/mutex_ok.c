// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* The mutex is unlocked before the object is freed. */
#include <goroutine.h>
#include <stdlib.h>

struct account {
	go_mutex mu;
	int balance;
};

int main(void)
{
	struct account *a = calloc(1, sizeof *a);

	go_mutex_lock(&a->mu);
	a->balance++;
	go_mutex_unlock(&a->mu);
	free(a);
}
