// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS605 cond-misuse
// OBJECT: c
// EXIT: 2
// FINDINGS: 1
/* No predicate: the signal came before the wait, woke nobody, and is lost. */
#include <goroutine.h>

static go_mutex mu;
static go_cond c = GO_COND(&mu);

static void signaller(void)
{
	go_cond_signal(&c);
}

int main(void)
{
	go_waitgroup wg = {0};

	go_waitgroup_go(&wg, signaller);
	go_waitgroup_wait(&wg);
	go_mutex_lock(&mu);
	go_cond_wait(&c);
	go_mutex_unlock(&mu);
}
