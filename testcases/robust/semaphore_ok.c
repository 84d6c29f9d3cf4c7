// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// RUNTIME: none
/* Plain threads ordered by semaphores, a barrier, and atomics. */
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

static int by_sem, by_barrier, by_atomic;
static atomic_int flag;
static sem_t sem;
static pthread_barrier_t barrier;

static void *worker(void *arg)
{
	by_sem = 1;
	sem_post(&sem);
	by_barrier = 2;
	pthread_barrier_wait(&barrier);
	by_atomic = 3;
	atomic_store_explicit(&flag, 1, memory_order_release);
	return arg;
}

int main(void)
{
	pthread_t t;
	int sum;

	sem_init(&sem, 0, 0);
	pthread_barrier_init(&barrier, NULL, 2);
	if (pthread_create(&t, NULL, worker, NULL))
		return 1;
	sem_wait(&sem);
	sum = by_sem;
	pthread_barrier_wait(&barrier);
	sum += by_barrier;
	while (!atomic_load_explicit(&flag, memory_order_acquire))
		;
	sum += by_atomic;
	pthread_join(t, NULL);
	pthread_barrier_destroy(&barrier);
	sem_destroy(&sem);
	return sum != 6;
}
