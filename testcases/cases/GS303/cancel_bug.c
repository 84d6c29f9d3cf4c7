// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS303 context-leak
// GRADE: proved
// FUNCTIONS: main
/* A context with a cancel function that nobody ever calls: its resources stay. */
#include <goroutine.h>

static void worker(go_context *ctx, go_waitgroup *wg)
{
	go_select_default(GO_RECV(go_done(ctx), NULL));
	go_waitgroup_done(wg);
}

int main(void)
{
	go_context *ctx = go_with_cancel(go_background());
	go_waitgroup wg = {0};

	go_waitgroup_add(&wg, 1);
	go(worker, ctx, &wg);
	go_waitgroup_wait(&wg);
}
