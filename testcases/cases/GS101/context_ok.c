// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* What was written before go_cancel() is visible to whoever saw the context done. */
#include <goroutine.h>

static int reason;

static void worker(go_context *ctx, go_chan(int) out)
{
	go_recv(go_done(ctx));
	go_send(out, reason);
}

int main(void)
{
	go_context *ctx = go_with_cancel(go_background());
	go_chan(int) out = go_make(int, 0);

	go(worker, ctx, out);
	reason = 3;
	go_cancel(ctx);
	return go_recv(out) != 3;
}
