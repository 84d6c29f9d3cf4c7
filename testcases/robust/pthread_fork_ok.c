// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// RUNTIME: none
// INSTRUMENT: no
// EXPECT-OUTPUT: unordered
// | child: 8
// | parent: 8
/* fork in a program with threads, with handlers that take the locks before and give them back in both processes; and a
 * child made by _Fork that does nothing but leave. */
#include <pthread.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static int counter;

static void before(void)
{
	pthread_mutex_lock(&a);
	pthread_mutex_lock(&b);
}

static void after(void)
{
	pthread_mutex_unlock(&b);
	pthread_mutex_unlock(&a);
}

static void *worker(void *arg)
{
	for (int i = 0; i < 2; i++) {
		pthread_mutex_lock(&a);
		pthread_mutex_lock(&b);
		counter++;
		pthread_mutex_unlock(&b);
		pthread_mutex_unlock(&a);
	}
	return arg;
}

static void four(void)
{
	pthread_t t[4];

	counter = 0;
	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, worker, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
}

int main(void)
{
	int status, failed = 0;
	pthread_t t;
	pid_t child;

	pthread_atfork(before, after, after);
	pthread_create(&t, NULL, worker, NULL);
	child = fork();
	if (child == 0) {
		four();
		printf("child: %d\n", counter);
		fflush(stdout);
		_exit(0);
	}
	waitpid(child, &status, 0);
	failed += status;
	pthread_join(t, NULL);
	child = _Fork();
	if (child == 0)
		_exit(3);
	waitpid(child, &status, 0);
	failed += WEXITSTATUS(status) != 3;
	four();
	printf("parent: %d\n", counter);
	return failed;
}
