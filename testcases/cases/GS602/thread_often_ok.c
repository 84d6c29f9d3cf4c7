// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// INSTRUMENT: no
// RUNTIME: none
// PROCS: 1
/* Mutexes of the usual types, a rwlock and a spin lock, each taken and given back so often that the detector does the
 * work of the libc's functions itself, while others wait for them: who waits is woken, who owns is known. */
#include <errno.h>
#include <pthread.h>

#define OFTEN 20000

static pthread_mutex_t plain = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t recursive = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static pthread_rwlock_t rw = PTHREAD_RWLOCK_INITIALIZER;
static pthread_spinlock_t spin;
static long counts[4];

static void *work(void *arg)
{
	for (int i = 0; i < OFTEN; i++) {
		pthread_mutex_lock(&plain);
		counts[0]++;
		pthread_mutex_unlock(&plain);
		pthread_mutex_lock(&recursive);
		pthread_mutex_lock(&recursive);
		counts[1]++;
		pthread_mutex_unlock(&recursive);
		counts[1]++;
		pthread_mutex_unlock(&recursive);
		pthread_rwlock_rdlock(&rw);
		pthread_rwlock_unlock(&rw);
		pthread_rwlock_wrlock(&rw);
		counts[2]++;
		pthread_rwlock_unlock(&rw);
		pthread_spin_lock(&spin);
		counts[3]++;
		pthread_spin_unlock(&spin);
	}
	return arg;
}

/* What is free can be taken, and what is held can't. */
static int as_it_should_be(void)
{
	int ok = pthread_mutex_trylock(&plain) == 0 && pthread_mutex_trylock(&plain) == EBUSY;

	pthread_mutex_unlock(&plain);
	ok = ok && pthread_mutex_unlock(&recursive) == EPERM && pthread_rwlock_trywrlock(&rw) == 0;
	ok = ok && pthread_rwlock_tryrdlock(&rw) == EBUSY;
	pthread_rwlock_unlock(&rw);
	return ok && counts[0] == 3 * OFTEN && counts[1] == 6 * OFTEN && counts[2] == 3 * OFTEN &&
	       counts[3] == 3 * OFTEN;
}

int main(void)
{
	pthread_t t[2];

	pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE);
	for (int i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, work, NULL);
	work(NULL);
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	return as_it_should_be() ? 0 : 3;
}
