// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// RUNTIME: none
/* Threads that are cancelled in a condition wait, a semaphore wait and a join: handlers run with the mutex locked,
 * destructors run, and the detector's books agree. Order by gates that wait for the kernel's word. */
#define GATE_THREADS
#include "../gate.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static sem_t sem;
static pthread_key_t key;
static int cleaned, destroyed;
static pthread_t sleeper;
static volatile int tid[3];

/* Asleep in the kernel: state S in its stat. */
GATE_FN void asleep(int i)
{
	char path[64], line[256];

	for (int round = 0;; round++) {
		int fd;
		long n;

		gate_pause(round);
		if (!tid[i])
			continue;
		snprintf(path, sizeof path, "/proc/self/task/%d/stat", tid[i]);
		fd = (int)syscall(SYS_openat, -100, path, 0);
		n = syscall(SYS_read, fd, line, sizeof line - 1);
		syscall(SYS_close, fd);
		line[n > 0 ? n : 0] = 0;
		if (strstr(line, ") S"))
			return;
	}
}

GATE_FN void here(int i)
{
	tid[i] = (int)syscall(SYS_gettid);
}

static void unlock(void *arg)
{
	cleaned++;
	pthread_mutex_unlock(arg);
}

static void destroy(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&mu);
	destroyed++;
	pthread_mutex_unlock(&mu);
}

static void *waits(void *arg)
{
	pthread_setspecific(key, &mu);
	pthread_mutex_lock(&mu);
	pthread_cleanup_push(unlock, &mu);
	here(0);
	for (;;)
		pthread_cond_wait(&cond, &mu);
	pthread_cleanup_pop(1);
	return arg;
}

static void *sleeps(void *arg)
{
	pthread_setspecific(key, &mu);
	here(1);
	sem_wait(&sem);
	return arg;
}

static void *joins(void *arg)
{
	pthread_setspecific(key, &mu);
	here(2);
	pthread_join(sleeper, NULL);
	return arg;
}

static int cancel(pthread_t t)
{
	void *ret;

	return pthread_cancel(t) || pthread_join(t, &ret) || ret != PTHREAD_CANCELED;
}

int main(void)
{
	pthread_t waiter, joiner;
	int failed;

	sem_init(&sem, 0, 0);
	pthread_key_create(&key, destroy);
	pthread_create(&waiter, NULL, waits, NULL);
	pthread_create(&sleeper, NULL, sleeps, NULL);
	asleep(1);
	pthread_create(&joiner, NULL, joins, NULL);
	asleep(0);
	asleep(2);
	failed = cancel(waiter) + cancel(joiner) + cancel(sleeper);
	pthread_mutex_lock(&mu);
	failed += cleaned != 1 || destroyed != 3;
	pthread_mutex_unlock(&mu);
	return failed;
}
