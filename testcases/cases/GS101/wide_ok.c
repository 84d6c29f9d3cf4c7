// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* A write of 16 bytes between two neighbours that another goroutine writes. */
#include <goroutine.h>

static struct {
	_Alignas(16) char before[16];
	__int128 value;
	char after;
} group;

static void child(go_chan(int) done)
{
	group.value = -1;
	go_send(done, 0);
}

int main(void)
{
	go_chan(int) done = go_make(int, 0);

	go(child, done);
	group.before[15] = 1;
	group.after = 1;
	go_recv(done);
	return group.value != -1;
}
