// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// RUNTIME: none
// TIMEOUT: 90
/* Children that clone makes with a copy of the memory, while other threads are in the middle of atomics and locks: none
 * waits for a thread that it does not have. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILDREN 20

static _Atomic long counter, stop;
static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static char stack[1 << 16] __attribute__((aligned(64)));

static void *worker(void *arg)
{
	while (!atomic_load(&stop)) {
		atomic_fetch_add(&counter, 1);
		pthread_mutex_lock(&mu);
		pthread_mutex_unlock(&mu);
	}
	return arg;
}

static int child(void *arg)
{
	pthread_mutex_t own = PTHREAD_MUTEX_INITIALIZER;

	for (int i = 0; i < 100; i++) {
		atomic_fetch_add(&counter, 1);
		pthread_mutex_lock(&own);
		pthread_mutex_unlock(&own);
	}
	_exit(*(int *)arg);
}

int main(void)
{
	pthread_t t[2];
	int want = 7, status = 0;

	for (int i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, worker, NULL);
	for (int i = 0; i < CHILDREN; i++) {
		pid_t pid = clone(child, stack + sizeof stack, SIGCHLD, &want);

		if (pid < 0 || waitpid(pid, &status, 0) != pid || WEXITSTATUS(status) != want)
			return 3;
	}
	atomic_store(&stop, 1);
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	return 0;
}
