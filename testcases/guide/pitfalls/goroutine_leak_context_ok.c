// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* The guide's solution: the consumer also watches a context, and ends when it is cancelled. */
#include <goroutine.h>

static void process(int data)
{
	(void)data;
}

static void consume(go_context *ctx, go_chan(int) ch, go_waitgroup *wg)
{
	go_defer(go_waitgroup_done, wg);
	for (;;) {
		int data;
		bool ok;
		if (go_select(GO_RECV(go_done(ctx), NULL), GO_RECV_OK(ch, &data, &ok)) == 0 || !ok)
			return;
		process(data);
	}
}

int main(void)
{
	go_chan(int) ch = go_make(int, 0);
	go_context *ctx = go_with_cancel(go_background());
	go_waitgroup wg = {0};

	go_waitgroup_add(&wg, 1);
	go(consume, ctx, ch, &wg);
	go_send(ch, 1);
	go_cancel(ctx);
	go_waitgroup_wait(&wg);
}
