// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS603 destroy-in-use
// FUNCTIONS: main
/* An object is freed while its mutex is held. */
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
	free(a);
}
