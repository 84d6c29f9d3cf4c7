// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// OBJECT: i
// FUNCTIONS: print main
// MATCH: value
/* Capturing the loop variable: the goroutines get its address, and read it while the loop goes on. */
#include <goroutine.h>
#include <stdio.h>

static go_waitgroup wg;

static void print(int *i)
{
	printf("%d\n", *i); /* all might print the same value */
	go_waitgroup_done(&wg);
}

int main(void)
{
	for (int i = 0; i < 10; i++) {
		go_waitgroup_add(&wg, 1);
		go(print, &i);
		if (i == 9)
			go_waitgroup_wait(&wg); /* i must outlive its readers */
	}
}
