// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// VERDICT: clean|blind|findings
// EXIT: SIGABRT
/* abort() passes through as well. */
#include <goroutine.h>
#include <stdlib.h>

int main(void)
{
	go_yield();
	abort();
}
