// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* A buffer for every answer: nobody blocks. */
#include "../../gate.h"

static volatile int sent[3];

static void query(int server, go_chan(int) answers)
{
	go_send(answers, server);
	gate_open(&sent[server]);
}

int main(void)
{
	go_chan(int) answers = go_make(int, 3);

	for (int i = 0; i < 3; i++)
		go(query, i, answers);
	int first = go_recv(answers);
	for (int i = 0; i < 3; i++)
		gate_wait(&sent[i]);
	return first > 2;
}
