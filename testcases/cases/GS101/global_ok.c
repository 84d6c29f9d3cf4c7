// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* The reader gets the go-ahead from the writer over a channel: the write happens before the read. */
#include <goroutine.h>

static int total;

static void writer(go_chan(int) written)
{
	total = 1;
	go_send(written, 0);
}

static void reader(go_chan(int) written, go_chan(int) out)
{
	go_recv(written);
	go_send(out, total);
}

int main(void)
{
	go_chan(int) written = go_make(int, 0), out = go_make(int, 0);

	go(writer, written);
	go(reader, written, out);
	return go_recv(out) != 1;
}
