// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS601 unlock-of-unlocked
// OBJECT: mu
// EXIT: 2
// FUNCTIONS: main
/* The error path unlocks a second time. */
#include <goroutine.h>

static go_mutex mu;

static bool update(void)
{
	go_mutex_lock(&mu);
	go_mutex_unlock(&mu);
	return false;
}

int main(void)
{
	if (!update())
		go_mutex_unlock(&mu);
}
