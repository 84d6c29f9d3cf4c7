// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* A try for the own lock fails and does not wait. */
#include <goroutine.h>

static go_mutex mu;

int main(void)
{
	go_mutex_lock(&mu);
	bool twice = go_mutex_trylock(&mu);
	go_mutex_unlock(&mu);
	return twice;
}
