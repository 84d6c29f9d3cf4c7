// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// OBJECT: shared
// FUNCTIONS: next child
/* Threads that the child starts race in its copy as anywhere else. */
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

	if (pthread_create(&t, NULL, next, NULL) != 0)
		_exit(1);
	shared = 7;
	if (pthread_join(t, NULL) != 0)
		_exit(1);
	_exit(0);
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
