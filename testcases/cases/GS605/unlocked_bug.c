// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS605 cond-misuse
// EXIT: 2
// FUNCTIONS: main
/* Waiting without holding the mutex. */
#include <goroutine.h>

static go_mutex mu;
static go_cond c = GO_COND(&mu);

int main(void)
{
	go_cond_wait(&c);
}
