// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// OBJECT-KIND: heap
/* A message is changed after it was sent: it belongs to the receiver then. */
#include <goroutine.h>
#include <stdlib.h>

struct message {
	int body;
};

static void receiver(go_chan(struct message *) ch, go_chan(int) out)
{
	struct message *m = go_recv(ch);
	go_send(out, m->body);
}

int main(void)
{
	go_chan(struct message *) ch = go_make(struct message *, 1);
	go_chan(int) out = go_make(int, 0);
	struct message *m = calloc(1, sizeof *m);

	go(receiver, ch, out);
	go_send(ch, m);
	m->body = 2; /* too late */
	go_recv(out);
	free(m);
}
