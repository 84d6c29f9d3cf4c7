// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* Given back as often as it is taken. */
#include <goroutine.h>

static go_mutex turn;

static void give(void)
{
	go_mutex_unlock(&turn);
}

int main(void)
{
	go_mutex_lock(&turn);
	go(give);
	go_mutex_lock(&turn);
	go(give);
	go_mutex_lock(&turn);
}
