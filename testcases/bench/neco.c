/* SPDX-License-Identifier: Apache-2.0
 *
 * neco.c: the benchmarks of goroutines.c on neco, which has one thread. A coroutine runs at once and up to its first
 * wait, so `spawn` and `fanout` never have two alive.
 *
 *   neco BENCHMARK OPERATIONS       prints "OPERATIONS CPU-nanoseconds"
 */
#include <neco.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A call that cannot fail in a benchmark. */
static void must(int result)
{
	if (result != NECO_OK)
		abort();
}

static void nothing(int argc, void *argv[])
{
	must(neco_waitgroup_done(argv[0]));
	(void)argc;
}

static void spawn(long ops, long unused)
{
	neco_waitgroup wg;
	must(neco_waitgroup_init(&wg));
	for (long i = 0; i < ops; i++) {
		must(neco_waitgroup_add(&wg, 1));
		must(neco_start(nothing, 1, &wg));
	}
	must(neco_waitgroup_wait(&wg));
	(void)unused;
}

static void fanout(long ops, long tasks)
{
	for (long i = 0; i < ops; i += tasks)
		spawn(tasks, 0);
}

static void echo(int argc, void *argv[])
{
	neco_chan *ping = argv[0], *pong = argv[1];
	for (long v; neco_chan_recv(ping, &v) == NECO_OK;)
		must(neco_chan_send(pong, &v));
	must(neco_chan_release(ping));
	must(neco_chan_release(pong));
	(void)argc;
}

static void roundtrip(long ops, long unused)
{
	neco_chan *ping, *pong;
	must(neco_chan_make(&ping, sizeof(long), 0));
	must(neco_chan_make(&pong, sizeof(long), 0));
	must(neco_chan_retain(ping));
	must(neco_chan_retain(pong));
	must(neco_start(echo, 2, ping, pong));
	for (long i = 0, v; i < ops; i++) {
		must(neco_chan_send(ping, &i));
		must(neco_chan_recv(pong, &v));
		if (v != i)
			abort();
	}
	must(neco_chan_close(ping));
	must(neco_chan_release(ping));
	must(neco_chan_release(pong));
	(void)unused;
}

static void produce(int argc, void *argv[])
{
	neco_chan *ch = argv[0];
	for (long i = 0, ops = *(long *)argv[1]; i < ops; i++)
		must(neco_chan_send(ch, &i));
	(void)argc;
}

static void buffered(long ops, long cap)
{
	neco_chan *ch;
	long sum = 0, v;
	must(neco_chan_make(&ch, sizeof(long), (size_t)cap));
	must(neco_start(produce, 2, ch, &ops));
	for (long i = 0; i < ops; i++) {
		must(neco_chan_recv(ch, &v));
		sum += v;
	}
	if (sum != ops * (ops - 1) / 2)
		abort();
	must(neco_chan_release(ch));
}

static void produce_in_turn(int argc, void *argv[])
{
	neco_chan **ch = argv[0];
	long n = *(long *)argv[1], ops = *(long *)argv[2];
	for (long i = 0; i < ops; i++)
		must(neco_chan_send(ch[i % n], &i));
	(void)argc;
}

static void select_of(long ops, long n)
{
	neco_chan *ch[4];
	long sum = 0, v = 0;
	for (long i = 0; i < n; i++)
		must(neco_chan_make(&ch[i], sizeof(long), 0));
	must(neco_start(produce_in_turn, 3, ch, &n, &ops));
	for (long i = 0; i < ops; i++) {
		int which = neco_chan_selectv((int)n, ch);
		if (which < 0)
			abort();
		must(neco_chan_case(ch[which], &v));
		sum += v;
	}
	if (sum != ops * (ops - 1) / 2)
		abort();
	for (long i = 0; i < n; i++)
		must(neco_chan_release(ch[i]));
}

struct counter {
	neco_mutex mu;
	neco_waitgroup wg;
	volatile long n;
	long ops;
	bool gives_way;
};

static void count_up(int argc, void *argv[])
{
	struct counter *c = argv[0];
	for (long i = 0; i < c->ops; i++) {
		must(neco_mutex_lock(&c->mu));
		c->n = c->n + 1;
		if (c->gives_way)
			must(neco_yield());
		must(neco_mutex_unlock(&c->mu));
	}
	must(neco_waitgroup_done(&c->wg));
	(void)argc;
}

static void count_by(long ops, long tasks, bool gives_way)
{
	struct counter c = {.ops = ops / tasks, .gives_way = gives_way};
	must(neco_mutex_init(&c.mu));
	must(neco_waitgroup_init(&c.wg));
	must(neco_waitgroup_add(&c.wg, (int)tasks));
	for (long i = 0; i < tasks; i++)
		must(neco_start(count_up, 1, &c));
	must(neco_waitgroup_wait(&c.wg));
}

static void mutex(long ops, long tasks)
{
	count_by(ops, tasks, false);
}

static void mutex_parked(long ops, long tasks)
{
	count_by(ops, tasks, true);
}

static const struct {
	const char *name;
	void (*run)(long ops, long parameter);
	long parameter;
} benchmarks[] = {
	{"spawn", spawn, 0},        {"roundtrip", roundtrip, 0},      {"buffered1", buffered, 1},
	{"buffered", buffered, 64}, {"buffered1024", buffered, 1024}, {"select2", select_of, 2},
	{"select", select_of, 3},   {"select4", select_of, 4},        {"mutex", mutex, 1},
	{"mutex100", mutex, 100},   {"mutexpark", mutex_parked, 100}, {"fanout", fanout, 1000},
};

static long long cpu(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* neco ends the program when its first coroutine has ended and no other is left. */
static void measure(int argc, void *argv[])
{
	const char *name = argv[0];
	long ops = *(long *)argv[1];
	for (size_t i = 0; i < sizeof(benchmarks) / sizeof(*benchmarks); i++) {
		if (strcmp(name, benchmarks[i].name) != 0)
			continue;
		benchmarks[i].run(ops / 10 + 1, benchmarks[i].parameter);
		long long start = cpu();
		benchmarks[i].run(ops, benchmarks[i].parameter);
		printf("%ld %lld\n", ops, cpu() - start);
		exit(0);
	}
	fprintf(stderr, "neco: no benchmark %s\n", name);
	exit(64);
	(void)argc;
}

int main(int argc, char **argv)
{
	long ops = argc == 3 ? atol(argv[2]) : 0;
	if (ops <= 0) {
		fprintf(stderr, "usage: neco BENCHMARK OPERATIONS\n");
		return 64;
	}
	must(neco_start(measure, 2, argv[1], &ops));
	return 0;
}
