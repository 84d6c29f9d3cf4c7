// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* Hand-off over an unbuffered channel, both ways. */
#include <goroutine.h>
#include <stdlib.h>

struct message {
	int body;
};

static void receiver(go_chan(struct message *) ch, go_chan(struct message *) back)
{
	struct message *m = go_recv(ch);
	m->body++;
	go_send(back, m);
}

int main(void)
{
	go_chan(struct message *) ch = go_make(struct message *, 0), back = go_make(struct message *, 0);
	struct message *m = calloc(1, sizeof *m);

	go(receiver, ch, back);
	m->body = 1;
	go_send(ch, m);
	m = go_recv(back);
	int body = m->body;
	free(m);
	return body != 2;
}
