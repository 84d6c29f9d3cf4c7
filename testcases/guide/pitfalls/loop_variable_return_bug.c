// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
/* The guide's loop to the letter: main may return before the first goroutine has looked at i. */
#include <goroutine.h>
#include <stdio.h>

static void show(const int *i)
{
	printf("%d\n", *i);
}

int main(void)
{
	for (int i = 0; i < 10; i++)
		go(show, &i);
}
