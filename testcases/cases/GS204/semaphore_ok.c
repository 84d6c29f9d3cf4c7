// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// EXPECT-OUTPUT: ordered
// | 20 turns
/* Go lets another goroutine unlock a mutex: two of them hand the turn to each other, and each waits for a mutex
 * that it locked itself. */
#include <goroutine.h>
#include <stdio.h>

static go_mutex ping, pong;
static int turns;

static void player(void)
{
	for (int i = 0; i < 10; i++) {
		go_mutex_lock(&pong);
		turns++;
		go_mutex_unlock(&ping);
	}
}

int main(void)
{
	go_mutex_lock(&ping);
	go_mutex_lock(&pong);
	go(player);
	for (int i = 0; i < 10; i++) {
		turns++;
		go_mutex_unlock(&pong);
		go_mutex_lock(&ping);
	}
	printf("%d turns\n", turns);
}
