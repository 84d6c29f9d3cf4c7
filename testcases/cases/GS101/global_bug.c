// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// OBJECT: total
// FUNCTIONS: reader writer
// GRADE: proved
/* A global written by one goroutine and read by another; the gate lets the read come first. */
#include "../../gate.h"

static int total;
static volatile int did_read;

static void reader(go_chan(int) out)
{
	int seen = total;
	gate_open(&did_read);
	go_send(out, seen);
}

static void writer(go_chan(int) out)
{
	gate_wait(&did_read);
	total = 1;
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
