// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* A context whose timeout has passed holds nothing any more. */
#include <goroutine.h>

int main(void)
{
	go_context *ctx = go_with_timeout(go_background(), 5 * GO_MS);

	go_recv(go_done(ctx));
	return go_err(ctx) != -ETIMEDOUT;
}
