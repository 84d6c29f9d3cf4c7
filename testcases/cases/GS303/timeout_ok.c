// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* A deferred cancel ends it with the work. */
#include <goroutine.h>

static int fetch(go_context *ctx)
{
	return go_err(ctx);
}

int main(void)
{
	go_context *ctx = go_with_timeout(go_background(), 3600 * GO_SEC);
	go_defer(go_cancel, ctx);

	return fetch(ctx);
}
