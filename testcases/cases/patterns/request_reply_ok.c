// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* Two hundred clients, each with a reply channel of its own and a time limit; the server ends by context. */
#include <goroutine.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct req {
	int n;
	go_chan(int) reply;
};

static void server(go_context *ctx, go_chan(struct req *) in, go_chan(go_unit) done)
{
	go_defer_close(done);
	for (;;) {
		struct req *r;
		switch (go_select(GO_RECV(go_done(ctx)), GO_RECV(in, &r))) {
		case 0:
			return;
		case 1:
			go_send(r->reply, r->n * r->n);
			break;
		}
	}
}

static void client(go_chan(struct req *) in, int i, go_chan(long) out)
{
	struct req *r = malloc(sizeof *r);
	r->n = i;
	r->reply = go_make(int, 1);
	go_send(in, r);
	int v = -1;
	if (go_select(GO_RECV(r->reply, &v), GO_AFTER(5 * GO_SEC)) == 1)
		v = -1;
	go_chan_free(r->reply);
	free(r);
	go_send(out, v);
}

int main(void)
{
	go_context *ctx = go_with_cancel(go_background());
	go_chan(struct req *) in = go_make(struct req *, 0);
	go_chan(go_unit) done = go_make(go_unit, 0);
	go_chan(long) out = go_make(long, 0);
	go(server, ctx, in, done);
	long sum = 0;
	for (int i = 0; i < 200; i++)
		go(client, in, i, out);
	for (int i = 0; i < 200; i++)
		sum += go_recv(out);
	go_cancel(ctx);
	go_recv(done);
	go_context_free(ctx);
	printf("%ld\n", sum);
}
