// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// OBJECT: shared
// FUNCTIONS: update main
/* A struct assignment reads every byte of a struct that another goroutine changes. */
#include <goroutine.h>

struct big {
	long values[40];
};
struct big shared;

static void update(go_chan(int) done)
{
	shared.values[39] = 1;
	go_send(done, 0);
}

int main(void)
{
	go_chan(int) done = go_make(int, 0);

	go(update, done);
	struct big copy = shared;
	go_recv(done);
	return copy.values[39] > 1;
}
