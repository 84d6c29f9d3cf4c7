// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* The mutex is held, the predicate is tested, and somebody signals. */
#include <goroutine.h>

static go_mutex mu;
static go_cond c = GO_COND(&mu);
static bool ready;

static void set_ready(void)
{
	go_mutex_lock(&mu);
	ready = true;
	go_cond_signal(&c);
	go_mutex_unlock(&mu);
}

int main(void)
{
	go(set_ready);
	go_mutex_lock(&mu);
	while (!ready)
		go_cond_wait(&c);
	go_mutex_unlock(&mu);
}
