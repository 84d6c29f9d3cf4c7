// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* A condition variable with its predicate under the mutex. */
#include <goroutine.h>

static int queue, done;
static go_mutex mu;
static go_cond filled = GO_COND(&mu);

static void consumer(go_waitgroup *wg)
{
	go_mutex_lock(&mu);
	while (queue == 0)
		go_cond_wait(&filled);
	queue--;
	done++;
	go_mutex_unlock(&mu);
	go_waitgroup_done(wg);
}

int main(void)
{
	go_waitgroup wg = {0};

	go_waitgroup_add(&wg, 4);
	for (int i = 0; i < 4; i++)
		go(consumer, &wg);
	for (int i = 0; i < 4; i++) {
		go_mutex_lock(&mu);
		queue++;
		go_cond_signal(&filled);
		go_mutex_unlock(&mu);
	}
	go_waitgroup_wait(&wg);
	return done != 4;
}
