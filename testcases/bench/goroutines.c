/* SPDX-License-Identifier: Apache-2.0
 *
 * goroutines.c: micro benchmarks of the runtime; go/main.go is the same program in Go.
 *
 *   goroutines BENCHMARK OPERATIONS       prints "OPERATIONS CPU-nanoseconds"
 *
 * The CPU time is the whole process's, idle threads that look for work included, between a warm-up of a tenth
 * of the operations and the end. Number of processors: environment GO_PROCS.
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
static void spawn(long ops)
{
	go_waitgroup wg = {0};

	for (long i = 0; i < ops; i++) {
		go_waitgroup_add(&wg, 1);
		go(nothing, &wg);
	}
	go_waitgroup_wait(&wg);
}

static void echo(go_chan(long) ping, go_chan(long) pong)
{
	go_range(v, ping)
		go_send(pong, v);
	go_close(pong);
}

static void roundtrip(long ops)
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
}

static void produce(go_chan(long) ch, long ops)
{
	for (long i = 0; i < ops; i++)
		go_send(ch, i);
	go_close(ch);
}

static void buffered(long ops)
{
	go_chan(long) ch = go_make(long, 64);
	long sum = 0;

	go(produce, ch, ops);
	go_range(v, ch)
		sum += v;
	if (sum != ops * (ops - 1) / 2)
		abort();
	go_chan_free(ch);
}

static void produce3(go_chan(long) a, go_chan(long) b, go_chan(long) c, long ops)
{
	for (long i = 0; i < ops; i += 3) {
		go_send(a, i);
		go_send(b, i);
		go_send(c, i);
	}
}

/* One sender, three unbuffered channels in turn, one select that takes from all. */
static void select3(long ops)
{
	go_chan(long) a = go_make(long, 0), b = go_make(long, 0), c = go_make(long, 0);
	long v, sum = 0;

	go(produce3, a, b, c, ops);
	for (long i = 0; i < (ops + 2) / 3 * 3; i++) {
		go_select(GO_RECV(a, &v), GO_RECV(b, &v), GO_RECV(c, &v));
		sum += v;
	}
	if (sum < 0)
		abort();
	go_chan_free(a);
	go_chan_free(b);
	go_chan_free(c);
}

static void mutex(long ops)
{
	go_mutex mu = {0};
	volatile long n = 0;

	for (long i = 0; i < ops; i++) {
		go_mutex_lock(&mu);
		n = n + 1;
		go_mutex_unlock(&mu);
	}
}

static void fanout(long ops)
{
	for (long i = 0; i < ops; i += 1000)
		spawn(1000);
}

static const struct {
	const char *name;
	void (*run)(long ops);
} benchmarks[] = {
	{"spawn", spawn},    {"roundtrip", roundtrip}, {"buffered", buffered},
	{"select", select3}, {"mutex", mutex},         {"fanout", fanout},
};

static long long cpu(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

int main(int argc, char **argv)
{
	long ops = argc == 3 ? atol(argv[2]) : 0;

	for (size_t i = 0; ops > 0 && i < sizeof benchmarks / sizeof *benchmarks; i++) {
		if (strcmp(argv[1], benchmarks[i].name) != 0)
			continue;
		benchmarks[i].run(ops / 10 + 1);
		long long start = cpu();
		benchmarks[i].run(ops);
		printf("%ld %lld\n", ops, cpu() - start);
		return 0;
	}
	fprintf(stderr, "usage: goroutines spawn|roundtrip|buffered|select|mutex|fanout OPERATIONS\n");
	return 64;
}
