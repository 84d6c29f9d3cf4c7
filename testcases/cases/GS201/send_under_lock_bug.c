// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS201 deadlock
// EXIT: 2
// MATCH: chan send on chan items[\s\S]*unlock before the wait
/* A lock is held during a send, and the receiver wants the lock first. */
#include "../../gate.h"

static go_mutex mu;
static volatile int locked;
static int n;

static void producer(go_chan(int) items)
{
	go_mutex_lock(&mu);
	n++;
	gate_open(&locked);
	go_send(items, n);
	go_mutex_unlock(&mu);
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
