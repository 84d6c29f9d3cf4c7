// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// RUNTIME: none
/* Descriptors are closed by those who come after their last use: a join, the end of a stream, a lock. The numbers are
 * given out again to other threads, and one is redirected while others use it. */
#define GATE_THREADS
#include "../../gate.h"

#include <fcntl.h>
#include <pthread.h>

#define ROUNDS 20

static int ends[2], null;
static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static int left = 2;

/* The last of the two closes. */
static void *writer(void *arg)
{
	int last;

	if (write(ends[1], "x", 1) != 1)
		_exit(3);
	pthread_mutex_lock(&mu);
	last = --left == 0;
	pthread_mutex_unlock(&mu);
	if (last)
		close(ends[1]);
	return arg;
}

/* Reads to the end, which comes when the writers have closed. */
static void *reader(void *arg)
{
	char c;

	while (read(ends[0], &c, 1) == 1)
		;
	close(ends[0]);
	return arg;
}

/* Nobody else knows these numbers, though others had them before. */
static void *own(void *arg)
{
	for (int i = 0; i < ROUNDS; i++) {
		int fd = open("/dev/null", O_WRONLY);

		if (fd < 0 || write(fd, "x", 1) != 1 || write(null, "x", 1) != 1)
			_exit(3);
		close(fd);
	}
	return arg;
}

int main(void)
{
	void *(*const run[])(void *) = {writer, writer, reader, own, own};
	pthread_t t[5];

	null = open("/dev/null", O_WRONLY);
	if (null < 0 || pipe(ends) != 0)
		return 3;
	for (int i = 0; i < 5; i++)
		pthread_create(&t[i], NULL, run[i], NULL);
	if (dup2(STDERR_FILENO, null) < 0 || dup2(open("/dev/null", O_WRONLY), null) < 0)
		return 3;
	for (int i = 0; i < 5; i++)
		pthread_join(t[i], NULL);
	return close(null);
}
