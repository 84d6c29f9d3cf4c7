// SPDX-License-Identifier: Apache-2.0
/* killed.c FILE: a program to be killed at any moment. Its threads race once, then take locks, use an atomic and memory
 * for as long as they may. What each has completed is in FILE, which is mapped and outlives it: the recording must have
 * at least that, and at most one operation more. */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define THREADS 3

/* As check_killed.c has it. Each word has one writer: a count that all threads shared would lose some, and whoever waits
 * for it would wait for ever. */
struct done {
	struct {
		unsigned long raced, locks, unlocks;
	} thread[THREADS];
};
static volatile struct done *done;

static pthread_mutex_t mu[2] = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER};
static long racy, guarded[2];
static atomic_long hits;

/* Plain counters that the detector does not see: a lock's completion is counted after it. */
#define UNSEEN __attribute__((no_sanitize("thread"), noinline))

UNSEEN static void count(volatile unsigned long *n)
{
	*n = *n + 1;
}

UNSEEN static unsigned long value(const volatile unsigned long *n)
{
	return *n;
}

static unsigned long raced(void)
{
	unsigned long n = 0;

	for (size_t i = 0; i < THREADS; i++)
		n += value(&done->thread[i].raced);
	return n;
}

static void *work(void *arg)
{
	size_t i = (size_t)arg;
	char *block;

	/* All race with all: the second to come is what is found. */
	racy++;
	count(&done->thread[i].raced);
	for (unsigned long n = 0;; n++) {
		pthread_mutex_t *m = &mu[n % 2];

		pthread_mutex_lock(m);
		count(&done->thread[i].locks);
		guarded[n % 2]++;
		pthread_mutex_unlock(m);
		count(&done->thread[i].unlocks);
		atomic_fetch_add(&hits, 1);
		block = malloc(16 + n % 100);
		block[n % 16] = 1;
		free(block);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	int fd = argc > 1 ? open(argv[1], O_RDWR) : -1;
	void *p = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(*done), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	pthread_t t;

	if (p == MAP_FAILED)
		return 2;
	done = p;
	for (size_t i = 0; i < THREADS; i++)
		if (pthread_create(&t, NULL, work, (void *)i) != 0)
			return 2;
	/* Whoever kills knows that it has begun. */
	while (raced() < 2)
		;
	if (write(1, "r", 1) != 1)
		return 2;
	for (;;)
		pause();
}
