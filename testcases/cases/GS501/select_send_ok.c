// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* The select looks at a done channel first. */
#include <goroutine.h>

int main(void)
{
	go_chan(int) ch = go_make(int, 1);
	go_chan(go_unit) done = go_make(go_unit, 0);

	go_close(done);
	if (go_select_default(GO_RECV(done)) < 0)
		go_send(ch, 1);
}
