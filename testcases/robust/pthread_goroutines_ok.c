// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* One program with both: threads hand work to goroutines by a channel and share results with them under mutexes, a
 * read-write lock, a semaphore and a condition of POSIX. */
#include <goroutine.h>
#include <pthread.h>
#include <semaphore.h>

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER, outer = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t rw = PTHREAD_RWLOCK_INITIALIZER;
static sem_t sem;
static int sum, config, by_sem, done;
static go_chan(int) work;

static void worker(go_waitgroup *wg)
{
	int v;

	go_range(v, work) {
		pthread_rwlock_rdlock(&rw);
		int scale = config;

		pthread_rwlock_unlock(&rw);
		pthread_mutex_lock(&outer);
		pthread_mutex_lock(&mu);
		sum += v * scale;
		pthread_mutex_unlock(&mu);
		pthread_mutex_unlock(&outer);
	}
	by_sem = 1;
	sem_post(&sem);
	go_waitgroup_done(wg);
}

static void *producer(void *arg)
{
	pthread_rwlock_wrlock(&rw);
	config = 2;
	pthread_rwlock_unlock(&rw);
	for (int i = 1; i <= 10; i++)
		go_send(work, i);
	go_close(work);
	sem_wait(&sem);
	by_sem++;
	pthread_mutex_lock(&mu);
	done = 1;
	pthread_cond_broadcast(&cond);
	pthread_mutex_unlock(&mu);
	return arg;
}

int main(void)
{
	go_waitgroup wg = {0};
	pthread_t t;
	int result;

	sem_init(&sem, 0, 0);
	work = go_make(int, 2);
	go_waitgroup_add(&wg, 1);
	go(worker, &wg);
	if (pthread_create(&t, NULL, producer, NULL))
		return 1;
	go_waitgroup_wait(&wg);
	pthread_mutex_lock(&mu);
	while (!done)
		pthread_cond_wait(&cond, &mu);
	result = sum;
	pthread_mutex_unlock(&mu);
	pthread_join(t, NULL);
	go_chan_free(work);
	return result != 110 || by_sem != 2;
}
