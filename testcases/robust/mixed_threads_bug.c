// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// OBJECT: shared
// FUNCTIONS: thread_part goroutine_part
/* A thread and a goroutine write the same variable; nothing orders them. */
#include <goroutine.h>
#include <pthread.h>

int shared;

static void *thread_part(void *arg)
{
	shared = 1;
	return arg;
}

static void goroutine_part(go_chan(int) done)
{
	shared = 2;
	go_send(done, 1);
}

int main(void)
{
	go_chan(int) done = go_make(int, 0);
	pthread_t t;

	if (pthread_create(&t, NULL, thread_part, NULL))
		return 1;
	go(goroutine_part, done);
	go_recv(done);
	pthread_join(t, NULL);
}
