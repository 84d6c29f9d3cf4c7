// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* Both read the string; only its copies are written. */
#include <goroutine.h>
#include <string.h>

static char name[64] = "before";

static void copy_it(go_chan(int) done)
{
	char mine[64];
	strcpy(mine, name);
	go_send(done, (int)strlen(mine));
}

int main(void)
{
	go_chan(int) done = go_make(int, 0);

	go(copy_it, done);
	size_t len = strlen(name);
	return (size_t)go_recv(done) != len;
}
