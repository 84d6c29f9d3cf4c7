// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS201 deadlock
// EXIT: 2
// GRADE: proved
// FUNCTIONS: main
/* main receives, and there is nobody who could send. */
#include <goroutine.h>

int main(void)
{
	go_chan(int) ch = go_make(int, 0);

	return go_recv(ch);
}
