// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS301 goroutine-leak
// FUNCTIONS: query
// FINDINGS: 1
// COUNT: 2
/* Ask three, take the first answer: the other two block in their send for ever. */
#include "../../gate.h"

static void query(int server, go_chan(int) answers)
{
	go_send(answers, server);
}

int main(void)
{
	go_chan(int) answers = go_make(int, 0);

	for (int i = 0; i < 3; i++)
		go(query, i, answers);
	int first = go_recv(answers);
	gate_parked("chan send", 2);
	return first > 2;
}
