// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* One unlock per lock, on every path. */
#include <goroutine.h>

static go_mutex mu;

static bool update(void)
{
	go_mutex_lock(&mu);
	go_defer(go_mutex_unlock, &mu);
	return false;
}

int main(void)
{
	return update();
}
