/* SPDX-License-Identifier: Apache-2.0
 *
 * locks.c: what an uncontended lock costs in a program that was not compiled for any detector.
 *
 *   locks KIND OPERATIONS       prints "OPERATIONS CPU-nanoseconds"
 *
 * One operation is one pair: lock and unlock, wait and post. `nested` holds another mutex all the time.
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER, outer = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_spinlock_t spin;
static sem_t sem;
static unsigned long count;

static void mutex_pairs(long ops)
{
	for (long i = 0; i < ops; i++) {
		pthread_mutex_lock(&mutex);
		count++;
		pthread_mutex_unlock(&mutex);
	}
}

static void nested_pairs(long ops)
{
	for (long i = 0; i < ops; i++) {
		pthread_mutex_lock(&outer);
		pthread_mutex_lock(&mutex);
		count++;
		pthread_mutex_unlock(&mutex);
		pthread_mutex_unlock(&outer);
	}
}

static void read_pairs(long ops)
{
	for (long i = 0; i < ops; i++) {
		pthread_rwlock_rdlock(&rwlock);
		count++;
		pthread_rwlock_unlock(&rwlock);
	}
}

static void write_pairs(long ops)
{
	for (long i = 0; i < ops; i++) {
		pthread_rwlock_wrlock(&rwlock);
		count++;
		pthread_rwlock_unlock(&rwlock);
	}
}

static void spin_pairs(long ops)
{
	for (long i = 0; i < ops; i++) {
		pthread_spin_lock(&spin);
		count++;
		pthread_spin_unlock(&spin);
	}
}

static void sem_pairs(long ops)
{
	for (long i = 0; i < ops; i++) {
		sem_wait(&sem);
		count++;
		sem_post(&sem);
	}
}

static const struct {
	const char *name;
	void (*run)(long);
} kinds[] = {
	{"mutex", mutex_pairs}, {"nested", nested_pairs}, {"read", read_pairs},
	{"write", write_pairs}, {"spin", spin_pairs},     {"sem", sem_pairs},
};

/* A second thread exists for as long as we measure: glibc has short cuts for processes of one thread. */
static void *bystander(void *arg)
{
	sem_wait(arg);
	return NULL;
}

static long long cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

int main(int argc, char **argv)
{
	long ops = argc > 2 ? atol(argv[2]) : 0;
	pthread_t thread;
	sem_t over;

	pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE);
	sem_init(&sem, 0, 1);
	sem_init(&over, 0, 0);
	pthread_create(&thread, NULL, bystander, &over);
	for (size_t i = 0; argc > 1 && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(argv[1], kinds[i].name) != 0)
			continue;
		kinds[i].run(ops / 10);
		long long start = cpu_ns();
		kinds[i].run(ops);
		printf("%ld %lld\n", ops, cpu_ns() - start);
		sem_post(&over);
		pthread_join(thread, NULL);
		return ops <= 0;
	}
	fprintf(stderr, "usage: locks mutex|nested|read|write|spin|sem OPERATIONS\n");
	return 64;
}
