// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* The guide's fix: each goroutine gets its own copy. */
#include <goroutine.h>
#include <stdio.h>

static void show(int i)
{
	printf("%d\n", i);
}

int main(void)
{
	for (int i = 0; i < 10; i++)
		go(show, i);
}
