/* SPDX-License-Identifier: Apache-2.0
 *
 * dill.c: what libdill can of goroutines.c: it has no buffered channels, mutexes or WaitGroups, and one thread. A
 * coroutine runs at once and up to its first wait, so `spawn` and `fanout` never have two alive.
 *
 *   dill BENCHMARK OPERATIONS       prints "OPERATIONS CPU-nanoseconds"
 */
#include <libdill.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static coroutine void nothing(void)
{
}

static void spawn(long ops)
{
	int b = bundle();
	if (b < 0)
		abort();
	for (long i = 0; i < ops; i++)
		if (bundle_go(b, nothing()) != 0)
			abort();
	hclose(b);
}

static void fanout(long ops)
{
	for (long i = 0; i < ops; i += 1000)
		spawn(1000);
}

static coroutine void echo(int ping, int pong, long ops)
{
	for (long i = 0, v; i < ops; i++)
		if (chrecv(ping, &v, sizeof(v), -1) != 0 || chsend(pong, &v, sizeof(v), -1) != 0)
			abort();
}

static void roundtrip(long ops)
{
	int ping[2], pong[2], h;
	if (chmake(ping) != 0 || chmake(pong) != 0 || (h = go(echo(ping[1], pong[0], ops))) < 0)
		abort();
	for (long i = 0, v; i < ops; i++)
		if (chsend(ping[0], &i, sizeof(i), -1) != 0 || chrecv(pong[1], &v, sizeof(v), -1) != 0 ||
		    v != i)
			abort();
	int all[] = {h, ping[0], ping[1], pong[0], pong[1]};
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		hclose(all[i]);
}

static coroutine void produce_in_turn(int (*ch)[2], int n, long ops)
{
	for (long i = 0; i < ops; i++)
		if (chsend(ch[i % n][0], &i, sizeof(i), -1) != 0)
			abort();
}

static void select_of(long ops, int n)
{
	int ch[4][2], h;
	long v = 0, sum = 0;
	struct chclause clauses[4];
	for (int i = 0; i < n; i++) {
		if (chmake(ch[i]) != 0)
			abort();
		clauses[i] = (struct chclause){CHRECV, ch[i][1], &v, sizeof(v)};
	}
	h = go(produce_in_turn(ch, n, ops));
	for (long i = 0; i < ops; i++) {
		if (choose(clauses, n, -1) < 0)
			abort();
		sum += v;
	}
	if (sum != ops * (ops - 1) / 2)
		abort();
	hclose(h);
	for (int i = 0; i < n; i++) {
		hclose(ch[i][0]);
		hclose(ch[i][1]);
	}
}

static void select2(long ops)
{
	select_of(ops, 2);
}

static void select3(long ops)
{
	select_of(ops, 3);
}

static void select4(long ops)
{
	select_of(ops, 4);
}

static const struct {
	const char *name;
	void (*run)(long ops);
} benchmarks[] = {
	{"spawn", spawn},    {"roundtrip", roundtrip}, {"select2", select2},
	{"select", select3}, {"select4", select4},     {"fanout", fanout},
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
	for (size_t i = 0; ops > 0 && i < sizeof(benchmarks) / sizeof(*benchmarks); i++) {
		if (strcmp(argv[1], benchmarks[i].name) != 0)
			continue;
		benchmarks[i].run(ops / 10 + 1);
		long long start = cpu();
		benchmarks[i].run(ops);
		printf("%ld %lld\n", ops, cpu() - start);
		return 0;
	}
	fprintf(stderr, "usage: dill spawn|roundtrip|select2|select|select4|fanout OPERATIONS\n");
	return 64;
}
