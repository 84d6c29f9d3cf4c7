// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS504 nil-channel
/* A select with no cases at all, in a goroutine that nobody waits for. */
#include "../../gate.h"

static void forever(void)
{
	go_select();
}

int main(void)
{
	go(forever);
	gate_parked("select (no cases)", 1);
}
