// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// OBJECT: name
// FUNCTIONS: rename_it main
/* strlen() reads a string that another goroutine overwrites with strcpy(). */
#include <goroutine.h>
#include <string.h>

static char name[64] = "before";
static const char *volatile next = "afterwards";

static void rename_it(go_chan(int) done)
{
	strcpy(name, next);
	go_send(done, 0);
}

int main(void)
{
	go_chan(int) done = go_make(int, 0);

	go(rename_it, done);
	size_t len = strlen(name);
	go_recv(done);
	return len == 0;
}
