/* SPDX-License-Identifier: Apache-2.0
 *
 * scale.c: many goroutines at once. go/main.go does the same in Go.
 *
 *   scale parked N      N goroutines wait at a channel: memory and CPU time of each; then all end, and after
 *                       three seconds the memory is looked at again
 *   scale joined N      N goroutines are started, and joined by a WaitGroup
 *   scale sleepers N    N goroutines sleep until their own time within half a second: CPU time and lateness
 *   scale idle SECONDS  nothing runs: CPU time
 *
 * Prints names and numbers, a pair per line. Memory is resident pages and page tables.
 */
#include <goroutine.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SPREAD (500 * GO_MS) /* of the times at which sleepers wake */

static long field(const char *name)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[256];
	long kb = 0;
	if (f == NULL)
		abort();
	while (fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, name, strlen(name)) == 0)
			kb = atol(line + strlen(name));
	fclose(f);
	return kb * 1024;
}

static long memory(void)
{
	return field("VmRSS:") + field("VmPTE:");
}

static long long cpu(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void wait_at(go_chan(go_unit) gate, go_waitgroup *parked, go_waitgroup *ended)
{
	go_waitgroup_done(parked);
	go_recv_ok(gate, NULL);
	go_waitgroup_done(ended);
}

/* The starter gives way now and then, as a server does between two requests: else a million have been started
 * before the first one parks, and the queue is measured. */
static void parked(long n)
{
	go_chan(go_unit) gate = go_make(go_unit, 0);
	go_waitgroup begun = {0}, ended = {0};
	long before = memory();
	long long start = cpu();
	for (long i = 0; i < n; i++) {
		go_waitgroup_add(&begun, 1);
		go_waitgroup_add(&ended, 1);
		go(wait_at, gate, &begun, &ended);
		if (i % 100 == 0)
			go_yield();
	}
	go_waitgroup_wait(&begun);
	printf("bytes %ld\nns %lld\n", (memory() - before) / n, (cpu() - start) / n);
	printf("peak_mb %ld\n", memory() >> 20);
	go_close(gate);
	go_waitgroup_wait(&ended);
	go_sleep(3 * GO_SEC);
	printf("after_mb %ld\n", memory() >> 20);
}

static void nothing(go_waitgroup *wg)
{
	go_waitgroup_done(wg);
}

static void joined(long n)
{
	go_waitgroup wg = {0};
	long long start = cpu();
	for (long i = 0; i < n; i++) {
		go_waitgroup_add(&wg, 1);
		go(nothing, &wg);
	}
	go_waitgroup_wait(&wg);
	printf("ns %lld\n", (cpu() - start) / n);
}

static void sleep_until(int64_t until, int64_t *late, go_waitgroup *wg)
{
	go_sleep(until - go_now());
	*late = go_now() - until;
	go_waitgroup_done(wg);
}

static int by_size(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

static void sleepers(long n)
{
	int64_t *late = calloc((size_t)n, sizeof(*late)), begin = go_now() + GO_SEC;
	go_waitgroup wg = {0};
	long long start = cpu();
	if (late == NULL)
		abort();
	go_waitgroup_add(&wg, (int)n);
	for (long i = 0; i < n; i++)
		go(sleep_until, begin + i * 7919 % n * SPREAD / n, &late[i], &wg);
	go_waitgroup_wait(&wg);
	printf("ns %lld\n", (cpu() - start) / n);
	qsort(late, (size_t)n, sizeof(*late), by_size);
	printf("late_p50_us %lld\nlate_p99_us %lld\n", (long long)late[n / 2] / 1000,
	       (long long)late[n * 99 / 100] / 1000);
	free(late);
}

/* After some work, so that all threads have been there. */
static void idle(long seconds)
{
	joined(10000);
	long long start = cpu();
	go_sleep(seconds * GO_SEC);
	printf("idle_us_per_s %lld\n", (cpu() - start) / 1000 / seconds);
}

static const struct {
	const char *name;
	void (*run)(long n);
} kinds[] = {{"parked", parked}, {"joined", joined}, {"sleepers", sleepers}, {"idle", idle}};

int main(int argc, char **argv)
{
	long n = argc == 3 ? atol(argv[2]) : 0;
	for (size_t i = 0; n > 0 && i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (strcmp(argv[1], kinds[i].name) != 0)
			continue;
		kinds[i].run(n);
		return 0;
	}
	fprintf(stderr, "usage: scale parked|joined|sleepers N, scale idle SECONDS\n");
	return 64;
}
