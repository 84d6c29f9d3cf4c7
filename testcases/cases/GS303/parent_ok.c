// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* Cancelling the parent cancels the child. */
#include <goroutine.h>

int main(void)
{
	go_context *parent = go_with_cancel(go_background());
	go_context *child = go_with_cancel(parent);

	go_cancel(parent);
	go_recv(go_done(child));
	return go_err(child) != -ECANCELED;
}
