// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// EXIT: 7
/* The program's own non-zero status passes through. */
#include <goroutine.h>

int main(void)
{
	go_yield();
	return 7;
}
