// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* Freeing a context gives its resources back as well. */
#include <goroutine.h>

int main(void)
{
	go_context *ctx = go_with_cancel(go_background());

	go_context_free(ctx);
}
