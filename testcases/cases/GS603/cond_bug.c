// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS603 destroy-in-use
// FUNCTIONS: waiter main
/* A condition variable on the heap is freed while a goroutine waits for it. */
#include "../../gate.h"

#include <stdlib.h>

static go_mutex mu;

static void waiter(go_cond *c)
{
	go_mutex_lock(&mu);
	go_cond_wait(c);
	go_mutex_unlock(&mu);
}

int main(void)
{
	go_cond *c = malloc(sizeof *c);

	*c = GO_COND(&mu);
	go(waiter, c);
	gate_parked("sync.Cond.Wait", 1);
	free(c);
}
