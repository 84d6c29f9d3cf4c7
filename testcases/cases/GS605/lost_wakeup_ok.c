// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* With a predicate it does not matter that the signal came first. */
#include <goroutine.h>

static go_mutex mu;
static go_cond c = GO_COND(&mu);
static bool ready;

static void signaller(void)
{
	go_mutex_lock(&mu);
	ready = true;
	go_cond_signal(&c);
	go_mutex_unlock(&mu);
}

int main(void)
{
	go_waitgroup wg = {0};

	go_waitgroup_go(&wg, signaller);
	go_waitgroup_wait(&wg);
	go_mutex_lock(&mu);
	while (!ready)
		go_cond_wait(&c);
	go_mutex_unlock(&mu);
}
