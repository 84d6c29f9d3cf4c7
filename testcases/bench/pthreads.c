/* SPDX-License-Identifier: Apache-2.0
 *
 * pthreads.c: the benchmarks of goroutines.c as a program with POSIX threads would do them, a thread for each
 * goroutine and a mutex with condition variables for each channel.
 *
 *   pthreads BENCHMARK OPERATIONS       prints "OPERATIONS CPU-nanoseconds"
 *
 * `spawn` and `fanout` keep at most a thousand threads alive. Number of processors: environment GO_PROCS, by CPU
 * affinity.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ALIVE 1000

/* A bounded queue of longs. An unbuffered channel is one of capacity 1 whose sender waits until it is taken. */
struct queue {
	pthread_mutex_t lock;
	pthread_cond_t change;
	long buf[64];
	size_t cap, head, count;
	int rendezvous;
};

static struct queue *queue_new(size_t cap)
{
	struct queue *q = calloc(1, sizeof(*q));
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->change, NULL);
	q->cap = cap > 0 ? cap : 1;
	q->rendezvous = cap == 0;
	return q;
}

static void put(struct queue *q, long v)
{
	pthread_mutex_lock(&q->lock);
	while (q->count == q->cap)
		pthread_cond_wait(&q->change, &q->lock);
	q->buf[(q->head + q->count++) % q->cap] = v;
	pthread_cond_broadcast(&q->change);
	while (q->rendezvous && q->count > 0)
		pthread_cond_wait(&q->change, &q->lock);
	pthread_mutex_unlock(&q->lock);
}

static long take(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	while (q->count == 0)
		pthread_cond_wait(&q->change, &q->lock);
	long v = q->buf[q->head];
	q->head = (q->head + 1) % q->cap;
	q->count--;
	pthread_cond_broadcast(&q->change);
	pthread_mutex_unlock(&q->lock);
	return v;
}

static void *nothing(void *arg)
{
	return arg;
}

static void spawn(long ops)
{
	static pthread_t threads[ALIVE];
	for (long done = 0; done < ops; done += ALIVE) {
		long n = ops - done < ALIVE ? ops - done : ALIVE;
		for (long i = 0; i < n; i++)
			if (pthread_create(&threads[i], NULL, nothing, NULL) != 0)
				abort();
		for (long i = 0; i < n; i++)
			pthread_join(threads[i], NULL);
	}
}

static struct queue *ping, *pong;

static void *echo(void *arg)
{
	for (long v; (v = take(ping)) >= 0;)
		put(pong, v);
	return arg;
}

static void roundtrip(long ops)
{
	pthread_t thread;
	ping = queue_new(0);
	pong = queue_new(0);
	pthread_create(&thread, NULL, echo, NULL);
	for (long i = 0; i < ops; i++) {
		put(ping, i);
		if (take(pong) != i)
			abort();
	}
	put(ping, -1);
	pthread_join(thread, NULL);
	free(ping);
	free(pong);
}

static void *produce(void *arg)
{
	long ops = *(long *)arg;
	for (long i = 0; i < ops; i++)
		put(ping, i);
	return NULL;
}

static void buffered(long ops)
{
	pthread_t thread;
	long sum = 0;
	ping = queue_new(64);
	pthread_create(&thread, NULL, produce, &ops);
	for (long i = 0; i < ops; i++)
		sum += take(ping);
	if (sum != ops * (ops - 1) / 2)
		abort();
	pthread_join(thread, NULL);
	free(ping);
}

static void mutex(long ops)
{
	pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
	volatile long n = 0;
	for (long i = 0; i < ops; i++) {
		pthread_mutex_lock(&mu);
		n = n + 1;
		pthread_mutex_unlock(&mu);
	}
}

static const struct {
	const char *name;
	void (*run)(long ops);
} benchmarks[] = {
	{"spawn", spawn}, {"roundtrip", roundtrip}, {"buffered", buffered},
	{"mutex", mutex}, {"fanout", spawn},
};

static long long cpu(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* The first GO_PROCS of the processors that this process may use. */
static void limit(void)
{
	const char *env = getenv("GO_PROCS");
	int left = env == NULL ? CPU_SETSIZE : atoi(env);
	cpu_set_t set;
	sched_getaffinity(0, sizeof(set), &set);
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &set) && left-- <= 0)
			CPU_CLR(i, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

int main(int argc, char **argv)
{
	long ops = argc == 3 ? atol(argv[2]) : 0;
	limit();
	for (size_t i = 0; ops > 0 && i < sizeof(benchmarks) / sizeof(*benchmarks); i++) {
		if (strcmp(argv[1], benchmarks[i].name) != 0)
			continue;
		benchmarks[i].run(ops / 10 + 1);
		long long start = cpu();
		benchmarks[i].run(ops);
		printf("%ld %lld\n", ops, cpu() - start);
		return 0;
	}
	fprintf(stderr, "usage: pthreads spawn|roundtrip|buffered|mutex|fanout OPERATIONS\n");
	return 64;
}
