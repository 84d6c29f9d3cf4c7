// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* A context that only carries a value has nothing to cancel. */
#include <goroutine.h>

static int key;

int main(void)
{
	go_context *ctx = go_with_value(go_background(), &key, &key);

	return go_value(ctx, &key) != &key;
}
