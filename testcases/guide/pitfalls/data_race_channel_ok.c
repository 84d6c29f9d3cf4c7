// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* The guide's third way: the counter has one owner, and increments are sent to it. */
#include <goroutine.h>
#include <stdio.h>

static void increment(go_chan(int) increments)
{
	go_send(increments, 1);
}

int main(void)
{
	go_chan(int) increments = go_make(int, 0);
	int counter = 0;

	go(increment, increments);
	go(increment, increments);
	counter += go_recv(increments);
	counter += go_recv(increments);
	printf("counter %d\n", counter);
}
