// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* The lock is given back before the send. */
#include "../../gate.h"

static go_mutex mu;
static volatile int locked;
static int n;

static void producer(go_chan(int) items)
{
	int mine;

	go_mutex_lock(&mu);
	mine = ++n;
	gate_open(&locked);
	go_mutex_unlock(&mu);
	go_send(items, mine);
}

int main(void)
{
	go_chan(int) items = go_make(int, 0);

	go(producer, items);
	gate_wait(&locked);
	go_mutex_lock(&mu);
	n += go_recv(items);
	go_mutex_unlock(&mu);
}
