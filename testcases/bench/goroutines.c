/* SPDX-License-Identifier: Apache-2.0
 *
 * goroutines.c: micro benchmarks of the runtime; go/main.go is the same program in Go.
 *
 *   goroutines BENCHMARK OPERATIONS       prints "OPERATIONS CPU-nanoseconds"
 *
 * The CPU time is the whole process's, idle threads that look for work included, between a warm-up of a tenth
 * of the operations and the end; of `pipeline` it is the time on the wall. Number of processors: environment GO_PROCS.
 */
#include <goroutine.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void nothing(go_waitgroup *wg)
{
	go_waitgroup_done(wg);
}

/* All of them exist before the first is waited for. */
static void spawn(long ops, long unused)
{
	go_waitgroup wg = {0};

	for (long i = 0; i < ops; i++) {
		go_waitgroup_add(&wg, 1);
		go(nothing, &wg);
	}
	go_waitgroup_wait(&wg);
	(void)unused;
}

static void echo(go_chan(long) ping, go_chan(long) pong)
{
	go_range(v, ping)
		go_send(pong, v);
	go_close(pong);
}

static void roundtrip(long ops, long unused)
{
	go_chan(long) ping = go_make(long, 0), pong = go_make(long, 0);

	go(echo, ping, pong);
	for (long i = 0; i < ops; i++) {
		go_send(ping, i);
		if (go_recv(pong) != i)
			abort();
	}
	go_close(ping);
	go_recv(pong);
	go_chan_free(ping);
	go_chan_free(pong);
	(void)unused;
}

static void produce(go_chan(long) ch, long ops)
{
	for (long i = 0; i < ops; i++)
		go_send(ch, i);
	go_close(ch);
}

static void buffered(long ops, long cap)
{
	go_chan(long) ch = go_make(long, cap);
	long sum = 0;

	go(produce, ch, ops);
	go_range(v, ch)
		sum += v;
	if (sum != ops * (ops - 1) / 2)
		abort();
	go_chan_free(ch);
}

/* About a microsecond that no compiler shortens. */
static unsigned long work(unsigned long x)
{
	for (int i = 0; i < 500; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
	}
	return x;
}

static void produce_work(go_chan(unsigned long) ch, long ops)
{
	for (long i = 0; i < ops; i++)
		go_send(ch, work((unsigned long)i + 1));
	go_close(ch);
}

/* Both sides work on each item: with two processors, at the same time. */
static void pipeline(long ops, long cap)
{
	go_chan(unsigned long) ch = go_make(unsigned long, cap);
	unsigned long sum = 0;

	go(produce_work, ch, ops);
	go_range(v, ch)
		sum += work(v);
	if (sum == 0)
		abort();
	go_chan_free(ch);
}

static void produce_in_turn(go_chan(long) * ch, long n, long ops)
{
	for (long i = 0; i < ops; i++)
		go_send(ch[i % n], i);
}

/* One sender, two to four unbuffered channels in turn, one select that takes from all. */
static void select_of(long ops, long n)
{
	go_chan(long) ch[4];
	long v, sum = 0;

	for (int i = 0; i < 4; i++)
		ch[i] = go_make(long, 0);
	go(produce_in_turn, ch, n, ops);
	for (long i = 0; i < ops; i++) {
		if (n == 2)
			go_select(GO_RECV(ch[0], &v), GO_RECV(ch[1], &v));
		else if (n == 3)
			go_select(GO_RECV(ch[0], &v), GO_RECV(ch[1], &v), GO_RECV(ch[2], &v));
		else
			go_select(GO_RECV(ch[0], &v), GO_RECV(ch[1], &v), GO_RECV(ch[2], &v),
				  GO_RECV(ch[3], &v));
		sum += v;
	}
	if (sum < 0)
		abort();
	for (int i = 0; i < 4; i++)
		go_chan_free(ch[i]);
}

struct counter {
	go_mutex mu;
	volatile long n;
	bool gives_way;
	go_waitgroup wg;
};

static void count_up(struct counter *c, long ops)
{
	for (long i = 0; i < ops; i++) {
		go_mutex_lock(&c->mu);
		c->n = c->n + 1;
		if (c->gives_way)
			go_yield();
		go_mutex_unlock(&c->mu);
	}
}

static void count_and_end(struct counter *c, long ops)
{
	count_up(c, ops);
	go_waitgroup_done(&c->wg);
}

static void count_by(long ops, long tasks, bool gives_way)
{
	struct counter c = {.gives_way = gives_way};

	go_waitgroup_add(&c.wg, (int)tasks);
	for (long i = 0; i < tasks; i++)
		go(count_and_end, &c, ops / tasks);
	go_waitgroup_wait(&c.wg);
}

/* One mutex; alone, or for many. */
static void mutex(long ops, long tasks)
{
	struct counter c = {.n = 0};

	if (tasks == 1)
		count_up(&c, ops);
	else
		count_by(ops, tasks, false);
}

/* The holder gives way to others, so that they find the mutex locked. */
static void mutex_parked(long ops, long tasks)
{
	count_by(ops, tasks, true);
}

static void fanout(long ops, long tasks)
{
	for (long i = 0; i < ops; i += tasks)
		spawn(tasks, 0);
}

static const struct {
	const char *name;
	void (*run)(long ops, long parameter);
	long parameter;
	clockid_t clock;
} benchmarks[] = {
	{"spawn", spawn, 0, CLOCK_PROCESS_CPUTIME_ID},
	{"roundtrip", roundtrip, 0, CLOCK_PROCESS_CPUTIME_ID},
	{"buffered1", buffered, 1, CLOCK_PROCESS_CPUTIME_ID},
	{"buffered", buffered, 64, CLOCK_PROCESS_CPUTIME_ID},
	{"buffered1024", buffered, 1024, CLOCK_PROCESS_CPUTIME_ID},
	{"pipeline", pipeline, 64, CLOCK_MONOTONIC},
	{"select2", select_of, 2, CLOCK_PROCESS_CPUTIME_ID},
	{"select", select_of, 3, CLOCK_PROCESS_CPUTIME_ID},
	{"select4", select_of, 4, CLOCK_PROCESS_CPUTIME_ID},
	{"mutex", mutex, 1, CLOCK_PROCESS_CPUTIME_ID},
	{"mutex100", mutex, 100, CLOCK_PROCESS_CPUTIME_ID},
	{"mutexpark", mutex_parked, 100, CLOCK_PROCESS_CPUTIME_ID},
	{"fanout", fanout, 1000, CLOCK_PROCESS_CPUTIME_ID},
};

static long long now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

int main(int argc, char **argv)
{
	long ops = argc == 3 ? atol(argv[2]) : 0;

	for (size_t i = 0; ops > 0 && i < sizeof benchmarks / sizeof *benchmarks; i++) {
		if (strcmp(argv[1], benchmarks[i].name) != 0)
			continue;
		benchmarks[i].run(ops / 10 + 1, benchmarks[i].parameter);
		long long start = now(benchmarks[i].clock);
		benchmarks[i].run(ops, benchmarks[i].parameter);
		printf("%ld %lld\n", ops, now(benchmarks[i].clock) - start);
		return 0;
	}
	fprintf(stderr, "usage: goroutines BENCHMARK OPERATIONS; the benchmarks are\n");
	for (size_t i = 0; i < sizeof benchmarks / sizeof *benchmarks; i++)
		fprintf(stderr, "  %s\n", benchmarks[i].name);
	return 64;
}
