// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* A child has its own copy, in which nobody but it goes on: what its parent's other goroutines did before the
 * fork races with nothing that the child does. */
#include <goroutine.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

static int shared;

static void *next(void *unused)
{
	(void)unused;
	shared++;
	return NULL;
}

static void child(void)
{
	pthread_t t;

	shared = 7;
	if (pthread_create(&t, NULL, next, NULL) != 0 || pthread_join(t, NULL) != 0)
		_exit(1);
	_exit(shared == 8 ? 0 : 2);
}

static void spawn(go_chan(int) done)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		child();
	waitpid(pid, &status, 0);
	go_send(done, status);
}

int main(void)
{
	go_chan(int) done = go_make(int, 0);

	go(spawn, done);
	shared = 2;
	return go_recv(done) != 0;
}
