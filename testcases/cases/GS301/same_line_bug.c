// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS301 goroutine-leak
// OBJECT: squares
// FUNCTIONS: square
/* Two channels from one line: the report names the right one. */
#include "../../gate.h"

static void square(go_chan(int) in, go_chan(int) out)
{
	int n = go_recv(in);

	go_send(out, n * n);
}

int main(void)
{
	go_chan(int) numbers = go_make(int, 0), squares = go_make(int, 0);

	go(square, numbers, squares);
	go_send(numbers, 3);
	gate_parked("chan send", 1);
}
