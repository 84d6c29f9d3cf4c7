// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS201 deadlock
// EXIT: 2
// FINDINGS: 1
// OBJECT: turn
/* A mutex serves as a semaphore: the worker gives it back for main. Once more than it was given, main waits for
 * ever. */
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
	go_mutex_lock(&turn);
}
