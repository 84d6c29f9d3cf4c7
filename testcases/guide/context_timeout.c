// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// EXPECT-OUTPUT: unordered
// | Main: context deadline exceeded
// ~? Worker: context deadline exceeded
/* Context for cancellation: the worker is slower than the context's timeout, so both see it expire. (As in
 * Go, main may return before the worker has printed.) */
#include "guide.h"

#include <errno.h>

static const char *text(int err)
{
	return err == -ETIMEDOUT ? "context deadline exceeded" : "context canceled";
}

static void worker(go_context *ctx)
{
	switch (go_select(GO_AFTER(GUIDE_MS(3000)), GO_RECV(go_done(ctx), NULL))) {
	case 0:
		printf("Worker: completed work\n");
		break;
	case 1:
		printf("Worker: %s\n", text(go_err(ctx)));
	}
}

int main(void)
{
	go_context *ctx = go_with_timeout(go_background(), GUIDE_MS(2000));
	go_defer(go_cancel, ctx); /* always call cancel to release resources */

	go(worker, ctx);
	switch (go_select(GO_RECV(go_done(ctx), NULL), GO_AFTER(GUIDE_MS(30000)))) {
	case 0:
		printf("Main: %s\n", text(go_err(ctx)));
		break;
	case 1:
		printf("Worker completed successfully\n");
	}
}
