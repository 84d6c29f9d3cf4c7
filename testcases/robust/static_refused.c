// SPDX-License-Identifier: Apache-2.0
// REPORT: none
// EXIT: 77
// RUNTIME: none
// INSTRUMENT: no
// LINK: -static
// MATCH: static
/* A static executable can't be preloaded: gosan says so and doesn't run it. */
#include <stdio.h>

int main(void)
{
	printf("must not run\n");
}
