// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// RUNTIME: none
// INSTRUMENT: no
// EXPECT-OUTPUT: ordered
// | all 4 threads did everything
/* Every kind of object of POSIX threads, used as it should be, on an unmodified program. */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <time.h>

#define N 4
#define CHECK(call) \
	do { \
		int rc_ = (call); \
		if (rc_) { \
			printf("%s: %d\n", #call, rc_); \
			return (void *)1; \
		} \
	} while (0)

static pthread_mutex_t normal = PTHREAD_MUTEX_INITIALIZER, inner = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t adaptive = PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP;
static pthread_mutex_t recursive, checking, inheriting;
static pthread_rwlock_t rw = PTHREAD_RWLOCK_INITIALIZER;
static pthread_spinlock_t spin;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static sem_t sem;
static int counter, arrived, inits;

static struct timespec soon(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	t.tv_sec += 10;
	return t;
}

static void init(void)
{
	inits++;
}

static void *locks(void)
{
	struct timespec t = soon(CLOCK_REALTIME), m = soon(CLOCK_MONOTONIC);

	for (int i = 0; i < 100; i++) {
		CHECK(pthread_mutex_lock(&normal));
		CHECK(pthread_mutex_lock(&inner));
		counter++;
		CHECK(pthread_mutex_unlock(&inner));
		CHECK(pthread_mutex_unlock(&normal));
		CHECK(pthread_mutex_lock(&adaptive));
		CHECK(pthread_mutex_unlock(&adaptive));
		CHECK(pthread_mutex_lock(&recursive));
		CHECK(pthread_mutex_lock(&recursive));
		CHECK(pthread_mutex_trylock(&recursive));
		CHECK(pthread_mutex_unlock(&recursive));
		CHECK(pthread_mutex_unlock(&recursive));
		CHECK(pthread_mutex_unlock(&recursive));
		CHECK(pthread_mutex_timedlock(&checking, &t));
		if (pthread_mutex_lock(&checking) != EDEADLK)
			return (void *)2;
		CHECK(pthread_mutex_unlock(&checking));
		if (pthread_mutex_unlock(&checking) != EPERM)
			return (void *)3;
		CHECK(pthread_mutex_clocklock(&normal, CLOCK_MONOTONIC, &m));
		CHECK(pthread_mutex_unlock(&normal));
		CHECK(pthread_mutex_lock(&inheriting));
		CHECK(pthread_mutex_unlock(&inheriting));
		CHECK(pthread_spin_lock(&spin));
		CHECK(pthread_spin_unlock(&spin));
		CHECK(pthread_rwlock_rdlock(&rw));
		CHECK(pthread_rwlock_unlock(&rw));
		CHECK(pthread_rwlock_wrlock(&rw));
		if (pthread_rwlock_rdlock(&rw) != EDEADLK)
			return (void *)4;
		CHECK(pthread_rwlock_unlock(&rw));
		CHECK(pthread_rwlock_timedrdlock(&rw, &t));
		CHECK(pthread_rwlock_unlock(&rw));
		CHECK(pthread_rwlock_clockwrlock(&rw, CLOCK_MONOTONIC, &m));
		CHECK(pthread_rwlock_unlock(&rw));
		if (pthread_mutex_trylock(&normal) == 0)
			CHECK(pthread_mutex_unlock(&normal));
	}
	return NULL;
}

static void *meet(void)
{
	struct timespec t = soon(CLOCK_REALTIME), m = soon(CLOCK_MONOTONIC);

	CHECK(pthread_mutex_lock(&normal));
	if (++arrived == N)
		CHECK(pthread_cond_broadcast(&cond));
	while (arrived < N)
		CHECK(pthread_cond_wait(&cond, &normal));
	CHECK(pthread_mutex_unlock(&normal));
	for (int i = 0; i < 20; i++) {
		int rc = pthread_barrier_wait(&barrier);

		if (rc && rc != PTHREAD_BARRIER_SERIAL_THREAD)
			return (void *)5;
	}
	CHECK(sem_wait(&sem));
	CHECK(sem_post(&sem));
	CHECK(sem_timedwait(&sem, &t));
	CHECK(sem_post(&sem));
	CHECK(sem_clockwait(&sem, CLOCK_MONOTONIC, &m));
	CHECK(sem_post(&sem));
	if (sem_trywait(&sem) == 0)
		CHECK(sem_post(&sem));
	return NULL;
}

static void *worker(void *arg)
{
	void *failed = locks();

	CHECK(pthread_once(&once, init));
	CHECK(pthread_setspecific(key, &counter));
	return failed ? failed : meet() ? arg : NULL;
}

static int types(void)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&recursive, &attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK);
	pthread_mutex_init(&checking, &attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_NORMAL);
	pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	pthread_mutex_init(&inheriting, &attr);
	return pthread_mutexattr_destroy(&attr);
}

int main(void)
{
	pthread_t t[N];
	int failed = types();

	pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE);
	pthread_barrier_init(&barrier, NULL, N);
	pthread_key_create(&key, NULL);
	sem_init(&sem, 0, 1);
	for (int i = 0; i < N; i++)
		failed += pthread_create(&t[i], NULL, worker, &t[i]);
	for (int i = 0; i < N; i++) {
		void *ret;

		failed += pthread_join(t[i], &ret) || ret;
	}
	failed += pthread_mutex_destroy(&recursive) + pthread_mutex_destroy(&checking);
	failed += pthread_barrier_destroy(&barrier) + sem_destroy(&sem) + pthread_spin_destroy(&spin);
	if (!failed && counter == N * 100 && inits == 1)
		printf("all %d threads did everything\n", N);
	return failed;
}
