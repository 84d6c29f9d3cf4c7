// SPDX-License-Identifier: Apache-2.0
// BUILD: gcc-tsan-static clang-tsan
// REPORT: none
// EXIT: 77
// MATCH: link it with 'gosan cc'
/* ThreadSanitizer's runtime is a part of the program: gosan says so and what to do, and doesn't run it. */
#include <stdio.h>

int main(void)
{
	printf("must not run\n");
}
