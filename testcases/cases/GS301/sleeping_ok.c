// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* A goroutine that sleeps when main returns is no leak: it would have woken up. */
#include "../../gate.h"

static void sleeper(void)
{
	go_sleep(3600 * GO_SEC);
}

int main(void)
{
	go(sleeper);
	gate_parked("sleep", 1);
}
