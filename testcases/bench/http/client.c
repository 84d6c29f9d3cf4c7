/* SPDX-License-Identifier: Apache-2.0
 *
 * client.c: a load on an HTTP echo server.
 *
 *   client PORT CONNECTIONS ACTIVE REQUESTS
 *
 * Opens all connections, each with one request, and keeps them; then ACTIVE of them make REQUESTS requests each,
 * one after the other, while the rest stay open. Checks every answer. Prints "CONNECTIONS REQUESTS NANOSECONDS
 * P50-MICROSECONDS P99-MICROSECONDS" of the second part.
 */
#include <goroutine.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static struct sockaddr_in addr = {.sin_family = AF_INET};

static void fail(const char *what, long got)
{
	fprintf(stderr, "client: %s: %ld\n", what, got);
	exit(1);
}

/* One request with its number as the body, and the whole answer. */
static void ask(int fd, long number)
{
	char body[32], out[256], in[1024];
	int body_len = snprintf(body, sizeof(body), "request %ld", number);
	int n = snprintf(out, sizeof(out),
			 "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s", body_len,
			 body);
	ssize_t put = go_write(fd, out, (size_t)n);
	if (put != n)
		fail("write", put);
	size_t have = 0;
	for (;;) {
		ssize_t got = go_read(fd, in + have, sizeof(in) - 1 - have);
		if (got <= 0)
			fail("read", got);
		have += (size_t)got;
		in[have] = '\0';
		char *end = strstr(in, "\r\n\r\n");
		if (end == NULL || (size_t)(in + have - (end + 4)) < (size_t)body_len)
			continue;
		if (strcmp(end + 4, body) != 0)
			fail("another answer", number);
		return;
	}
}

static void open_one(int *fd, long number, go_chan(go_unit) slots)
{
	int one = 1;
	*fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (*fd < 0)
		fail("socket", -errno);
	int err = go_connect(*fd, (struct sockaddr *)&addr, sizeof(addr));
	if (err != 0)
		fail("connect", err);
	setsockopt(*fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	ask(*fd, number);
	go_recv_ok(slots, NULL);
}

static void work(int fd, long requests, int64_t *took)
{
	for (long i = 0; i < requests; i++) {
		int64_t start = go_now();
		ask(fd, i);
		took[i] = go_now() - start;
	}
}

static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	if (argc != 5)
		return 64;
	long n = atol(argv[2]), active = atol(argv[3]), requests = atol(argv[4]);
	struct rlimit files;
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	addr.sin_port = htons((uint16_t)atoi(argv[1]));
	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int *fds = calloc((size_t)n, sizeof(*fds));
	int64_t *took = calloc((size_t)(active * requests), sizeof(*took));
	go_chan(go_unit) slots =
		go_make(go_unit, 256); /* so many at a time: the listener's queue is finite */
	go_waitgroup wg = {0};
	for (long i = 0; i < n; i++) {
		go_send(slots, GO_UNIT);
		go_waitgroup_go(&wg, open_one, &fds[i], i, slots);
	}
	go_waitgroup_wait(&wg);
	int64_t start = go_now();
	for (long i = 0; i < active; i++)
		go_waitgroup_go(&wg, work, fds[i * (n / active)], requests, took + i * requests);
	go_waitgroup_wait(&wg);
	int64_t ns = go_now() - start;
	qsort(took, (size_t)(active * requests), sizeof(*took), by_size);
	printf("%ld %ld %lld %lld %lld\n", n, active * requests, (long long)ns,
	       (long long)took[active * requests / 2] / 1000,
	       (long long)took[active * requests / 100 * 99] / 1000);
	return 0;
}
