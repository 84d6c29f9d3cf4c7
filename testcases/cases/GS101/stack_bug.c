// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// OBJECT-KIND: stack
// FUNCTIONS: fill main
/* A goroutine writes a local of main while main reads it. */
#include <goroutine.h>
#include <stdio.h>

static void fill(int *result, go_chan(go_unit) done)
{
	*result = 7;
	go_send(done, GO_UNIT);
}

int main(void)
{
	go_chan(go_unit) done = go_make(go_unit, 0);
	int result = 0;

	go(fill, &result, done);
	printf("too early: %d\n", result);
	go_recv(done);
}
