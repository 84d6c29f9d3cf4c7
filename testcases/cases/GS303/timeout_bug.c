// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS303 context-leak
/* The work ends long before the timeout, and the context's timer goes on for an hour. */
#include <goroutine.h>

static int fetch(go_context *ctx)
{
	return go_err(ctx);
}

int main(void)
{
	go_context *ctx = go_with_timeout(go_background(), 3600 * GO_SEC);

	return fetch(ctx);
}
