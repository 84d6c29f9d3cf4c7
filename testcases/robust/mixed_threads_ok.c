// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* A thread beside the goroutines: created after the data was written, joined before its result is read. */
#include <goroutine.h>
#include <pthread.h>

static int input, result;

static void *compute(void *arg)
{
	result = input + 1;
	return arg;
}

static void prepare(go_chan(int) done)
{
	input = 41;
	go_send(done, 1);
}

int main(void)
{
	go_chan(int) done = go_make(int, 0);
	pthread_t t;

	go(prepare, done);
	go_recv(done);
	if (pthread_create(&t, NULL, compute, NULL))
		return 1;
	pthread_join(t, NULL);
	return result != 42;
}
