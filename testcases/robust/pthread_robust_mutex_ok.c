// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// RUNTIME: none
/* A robust mutex whose owner dies is taken over and repaired; one that is not repaired says so to everybody. Shared
 * with a child process, too. */
#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static pthread_mutex_t mu, broken, *shared;
static int data;

static void *dies(void *arg)
{
	pthread_mutex_lock(arg);
	data++;
	return arg;
}

static void run(void *(*fn)(void *), void *arg)
{
	pthread_t t;

	pthread_create(&t, NULL, fn, arg);
	pthread_join(t, NULL);
}

int main(void)
{
	pthread_mutexattr_t attr;
	int failed = 0;

	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&mu, &attr);
	pthread_mutex_init(&broken, &attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(shared, &attr);

	run(dies, &mu);
	failed += pthread_mutex_lock(&mu) != EOWNERDEAD;
	data++;
	failed += pthread_mutex_consistent(&mu) + pthread_mutex_unlock(&mu);
	failed += pthread_mutex_lock(&mu) + pthread_mutex_unlock(&mu);

	run(dies, &broken);
	failed += pthread_mutex_trylock(&broken) != EOWNERDEAD;
	failed += pthread_mutex_unlock(&broken);
	failed += pthread_mutex_lock(&broken) != ENOTRECOVERABLE;

	if (fork() == 0) {
		pthread_mutex_lock(shared);
		_exit(0);
	}
	wait(NULL);
	failed += pthread_mutex_lock(shared) != EOWNERDEAD;
	failed += pthread_mutex_consistent(shared) + pthread_mutex_unlock(shared);
	failed += pthread_mutex_destroy(&mu) + pthread_mutex_destroy(&broken) + pthread_mutex_destroy(shared);
	return failed ? failed : data != 3;
}
