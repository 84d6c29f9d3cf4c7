// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* A goroutine that is running or runnable when main returns is no leak. */
#include "../../gate.h"

static volatile int started;

static void busy(void)
{
	gate_open(&started);
	for (;;)
		go_yield();
}

int main(void)
{
	go(busy);
	gate_wait(&started);
}
