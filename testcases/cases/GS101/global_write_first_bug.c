// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// OBJECT: total
// FUNCTIONS: reader writer
/* The same pair as global_bug.c; the gate lets the write come first. */
#include "../../gate.h"

static int total;
static volatile int did_write;

static void reader(go_chan(int) out)
{
	gate_wait(&did_write);
	go_send(out, total);
}

static void writer(go_chan(int) out)
{
	total = 1;
	gate_open(&did_write);
	go_send(out, 0);
}

int main(void)
{
	go_chan(int) out = go_make(int, 0);

	go(reader, out);
	go(writer, out);
	go_recv(out);
	go_recv(out);
}
