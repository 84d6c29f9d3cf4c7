// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* Goroutines that share data under a pthread mutex: it orders them as well as a go_mutex does. */
#include <goroutine.h>
#include <pthread.h>

static int shared;
static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;

static void add(go_waitgroup *wg)
{
	for (int i = 0; i < 100; i++) {
		pthread_mutex_lock(&mu);
		shared++;
		pthread_mutex_unlock(&mu);
		go_yield();
	}
	go_waitgroup_done(wg);
}

int main(void)
{
	go_waitgroup wg = {0};

	go_waitgroup_add(&wg, 4);
	for (int i = 0; i < 4; i++)
		go(add, &wg);
	go_waitgroup_wait(&wg);
	return shared != 400;
}
