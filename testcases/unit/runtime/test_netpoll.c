/* SPDX-License-Identifier: Apache-2.0 */
#include "child.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/socket.h>

static void make_pipe(int fds[2], int flags)
{
	check(pipe2(fds, flags) == 0);
}

static void pump(int from, int to, go_chan(int) done)
{
	char buf[256];
	ssize_t n;
	int total = 0;
	while ((n = go_read(from, buf, sizeof(buf))) > 0) {
		check_int(go_write(to, buf, (size_t)n), n);
		total += (int)n;
	}
	check_int(n, 0);
	close(to);
	go_send(done, total);
}

static void fill(char *buf, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf[i] = (char)(i * 31);
}

static void write_all(int fd, const char *buf, size_t n)
{
	check_int(go_write(fd, buf, n), (ssize_t)n);
	close(fd);
}

/* More than a pipe holds, through a goroutine between two pipes; blocking and non-blocking descriptors. */
static void through_pipes(int flags)
{
	enum { SIZE = 300000 };
	static char out[SIZE], in[SIZE];
	int a[2], b[2];
	size_t got = 0;
	go_chan(int) done = go_make(int, 0);
	make_pipe(a, flags);
	make_pipe(b, flags);
	fill(out, SIZE);
	go(pump, a[0], b[1], done);
	go(write_all, a[1], out, sizeof(out));
	for (ssize_t n; (n = go_read(b[0], in + got, SIZE - got)) > 0;)
		got += (size_t)n;
	check_int(go_recv(done), SIZE);
	check_int(got, SIZE);
	check(memcmp(out, in, SIZE) == 0);
	close(a[0]);
	close(b[0]);
}

static void pipes(void)
{
	for (int procs = 1; procs <= 4; procs *= 2) {
		go_set_procs(procs);
		through_pipes(0);
		through_pipes(O_NONBLOCK);
	}
}

static void echo(int fd)
{
	char buf[64];
	ssize_t n;
	while ((n = go_read(fd, buf, sizeof(buf))) > 0)
		check_int(go_write(fd, buf, (size_t)n), n);
	close(fd);
}

static void serve(int listener, int clients)
{
	for (int i = 0; i < clients; i++) {
		int fd = go_accept(listener, NULL, NULL);
		check(fd >= 0);
		go(echo, fd);
	}
	close(listener);
}

static void client(struct sockaddr_in *addr, int i, go_waitgroup *wg)
{
	char text[32], back[32];
	int fd = socket(AF_INET, SOCK_STREAM | (i % 2 ? SOCK_NONBLOCK : 0), 0);
	check_int(go_connect(fd, (struct sockaddr *)addr, sizeof(*addr)), 0);
	for (int k = 0; k < 20; k++) {
		int n = snprintf(text, sizeof(text), "%d of %d", k, i);
		check_int(go_write(fd, text, (size_t)n), n);
		for (int got = 0; got < n;)
			got += (int)go_read(fd, back + got, (size_t)(n - got));
		check(memcmp(text, back, (size_t)n) == 0);
	}
	close(fd);
	go_waitgroup_done(wg);
}

static void echo_server(void)
{
	enum { CLIENTS = 50 };
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(addr);
	go_waitgroup wg = {0};
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	check(bind(listener, (struct sockaddr *)&addr, sizeof(addr)) == 0 && listen(listener, 128) == 0);
	check(getsockname(listener, (struct sockaddr *)&addr, &len) == 0);
	go(serve, listener, CLIENTS);
	go_waitgroup_add(&wg, CLIENTS);
	for (int i = 0; i < CLIENTS; i++)
		go(client, &addr, i, &wg);
	go_waitgroup_wait(&wg);
}

static void read_one(int fd, go_chan(int) out)
{
	char c;
	go_send(out, go_read(fd, &c, 1) == 1 ? c : -1);
}

/* Both directions of one descriptor at the same time, and several readers of one. */
static void waiters_share_a_descriptor(void)
{
	int fds[2];
	go_chan(int) out = go_make(int, 0);
	check(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
	for (int i = 0; i < 3; i++)
		go(read_one, fds[0], out);
	check_int(go_wait_fd(fds[0], POLLOUT, -1), POLLOUT);
	check_int(go_wait_fd(fds[0], POLLIN, 2 * GO_MS), 0);
	check_int(go_write(fds[1], "abc", 3), 3);
	int sum = 0;
	for (int i = 0; i < 3; i++)
		sum += go_recv(out);
	check_int(sum, 'a' + 'b' + 'c');
}

static void a_number_is_used_again(void)
{
	for (int i = 0; i < 20; i++) {
		int fds[2];
		go_chan(int) out = go_make(int, 0);
		make_pipe(fds, O_NONBLOCK);
		go(read_one, fds[0], out);
		go_yield();
		check_int(go_write(fds[1], "x", 1), 1);
		check_int(go_recv(out), 'x');
		close(fds[0]);
		close(fds[1]);
		go_chan_free(out);
	}
}

static void errors(void)
{
	char c = 0;
	int fds[2];
	check_int(go_read(-1, &c, 1), -EBADF);
	check_int(go_write(1000, &c, 1), -EBADF);
	check_int(go_wait_fd(-1, POLLIN, 0), -EBADF);
	check_int(go_wait_fd(999, POLLIN, -1), -EBADF);
	make_pipe(fds, 0);
	signal(SIGPIPE, SIG_IGN);
	close(fds[0]);
	check_int(go_write(fds[1], &c, 1), -EPIPE);
	check_int(go_connect(fds[1], NULL, 0), -ENOTSOCK);
}

static void files(void)
{
	char line[32] = "";
	FILE *f = tmpfile();
	check(f != NULL);
	check_int(go_write(fileno(f), "hello", 5), 5);
	check(lseek(fileno(f), 0, SEEK_SET) == 0);
	check_int(go_read(fileno(f), line, sizeof(line)), 5);
	check_int(go_read(fileno(f), line, sizeof(line)), 0);
	check(strcmp(line, "hello") == 0);
	fclose(f);
}

static void timeouts(void)
{
	int fds[2];
	make_pipe(fds, 0);
	int64_t start = go_now();
	check_int(go_wait_fd(fds[0], POLLIN, 5 * GO_MS), 0);
	check(go_now() - start >= 5 * GO_MS);
	check_int(go_wait_fd(fds[0], POLLIN, 0), 0);
	check_int(go_write(fds[1], "x", 1), 1);
	check_int(go_wait_fd(fds[0], POLLIN, GO_SEC), POLLIN);
	close(fds[1]);
	close(fds[0]);
}

static void read_for(go_context *ctx, int fd, go_chan(int) out)
{
	char c;
	go_send(out, (int)go_read_ctx(ctx, fd, &c, 1));
}

static void contexts_end_waits(void)
{
	int fds[2];
	go_chan(int) out = go_make(int, 0);
	go_context *ctx = go_with_cancel(go_background());
	make_pipe(fds, 0);
	go(read_for, ctx, fds[0], out);
	go_sleep(GO_MS); /* it may park first; either way the result is the same */
	go_cancel(ctx);
	check_int(go_recv(out), -ECANCELED);
	go(read_for, ctx, fds[0], out); /* over already */
	check_int(go_recv(out), -ECANCELED);
	check_int(go_wait_fd_ctx(ctx, fds[1], POLLOUT), -ECANCELED);
	go_context_free(ctx);

	ctx = go_with_timeout(go_background(), 2 * GO_MS);
	go(read_for, ctx, fds[0], out);
	check_int(go_recv(out), -ETIMEDOUT);
	go_context_free(ctx);

	/* The descriptor is as it was: an event comes first, and a context that never ends. */
	ctx = go_with_timeout(go_background(), 600 * GO_SEC);
	check_int(go_write_ctx(ctx, fds[1], "xyz", 3), 3);
	go(read_for, ctx, fds[0], out);
	check_int(go_recv(out), 1);
	go(read_for, go_background(), fds[0], out);
	check_int(go_recv(out), 1);
	go_context_free(ctx);
	check_int(go_wait_fd_ctx(go_background(), -1, POLLIN), -EBADF);
	close(fds[0]);
	close(fds[1]);
}

/* The event and the end at the same moment: one of the two results, and nobody lost. */
static void events_race_with_cancellation(void)
{
	enum { ROUNDS = 300, READERS = 4 };
	int got = 0;
	go_chan(int) out = go_make(int, 0);
	go_set_procs(4);
	for (int round = 0; round < ROUNDS; round++) {
		int fds[2], n = 0;
		go_context *ctx = go_with_cancel(go_background());
		make_pipe(fds, O_NONBLOCK);
		for (int i = 0; i < READERS; i++)
			go(read_for, ctx, fds[0], out);
		if (round % 3 == 0)
			go_sleep(20 * GO_US);
		check_int(go_write(fds[1], "ab", 2), 2);
		go(go_cancel, ctx);
		for (int i = 0; i < READERS; i++) {
			int result = go_recv(out);
			check(result == 1 || result == -ECANCELED);
			n += result == 1;
		}
		check(n <= 2);
		got += n;
		close(fds[0]);
		close(fds[1]);
		go_context_free(ctx);
	}
	check(got <= 2 * ROUNDS);
}

static void accepting_and_connecting(void)
{
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(addr);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), fd = socket(AF_INET, SOCK_STREAM, 0);
	check(bind(listener, (struct sockaddr *)&addr, sizeof(addr)) == 0 && listen(listener, 1) == 0);
	check(getsockname(listener, (struct sockaddr *)&addr, &len) == 0);
	go_context *ctx = go_with_timeout(go_background(), GO_MS);
	check_int(go_accept_ctx(ctx, listener, NULL, NULL), -ETIMEDOUT);
	check_int(go_connect_ctx(ctx, fd, (struct sockaddr *)&addr, sizeof(addr)), -ETIMEDOUT);
	go_context_free(ctx);
	ctx = go_with_cancel(go_background());
	check_int(go_connect_ctx(ctx, fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	int peer = go_accept_ctx(ctx, listener, NULL, NULL);
	check(peer >= 0);

	/* Half-close: the reader sees the end, the other direction goes on. */
	char buf[8];
	check_int(shutdown(fd, SHUT_WR), 0);
	check_int(go_read_ctx(ctx, peer, buf, sizeof(buf)), 0);
	check_int(go_write(peer, "on", 2), 2);
	check_int(go_read(fd, buf, sizeof(buf)), 2);
	go_cancel(ctx);
	go_context_free(ctx);
	close(fd);
	close(peer);
	close(listener);
}

/* A port that nobody listens at: bound, and never told to listen. */
static void refused(void)
{
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(addr);
	int deaf = socket(AF_INET, SOCK_STREAM, 0);
	check(bind(deaf, (struct sockaddr *)&addr, sizeof(addr)) == 0);
	check(getsockname(deaf, (struct sockaddr *)&addr, &len) == 0);
	for (int flag = 0; flag <= SOCK_NONBLOCK; flag += SOCK_NONBLOCK) {
		int fd = socket(AF_INET, SOCK_STREAM | flag, 0), mode = fcntl(fd, F_GETFL);
		check_int(go_connect(fd, (struct sockaddr *)&addr, sizeof(addr)), -ECONNREFUSED);
		check_int(fcntl(fd, F_GETFL), mode);
		close(fd);
	}
	close(deaf);
}

/* Nobody reads: what fits is written, and then the context ends the wait for room. On one processor, so that it ends
 * when the writer waits, not before. */
static void a_full_pipe_ends_by_context(void)
{
	static char many[1 << 20];
	int fds[2];
	make_pipe(fds, O_NONBLOCK);
	go_set_procs(1);
	go_context *ctx = go_with_cancel(go_background());
	go(go_cancel, ctx);
	check_int(go_write_ctx(ctx, fds[1], many, sizeof(many)), fcntl(fds[1], F_GETPIPE_SZ));
	check_int(go_write_ctx(ctx, fds[1], many, 1), -ECANCELED);
	go_context_free(ctx);
	close(fds[0]);
	close(fds[1]);
}

static void read_to_end(int fd, go_chan(int) out)
{
	char c;
	go_send(out, (int)go_read(fd, &c, 1));
	go_send(out, (int)go_write(fd, "x", 1));
}

/* The reader is parked when its peer closes one direction; the other still works. */
static void half_close_wakes_the_reader(void)
{
	char c;
	int fds[2];
	go_chan(int) out = go_make(int, 0);
	go_set_procs(1);
	check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
	go(read_to_end, fds[0], out);
	for (int i = 0; i < 20; i++)
		go_yield(); /* it has parked */
	check_int(shutdown(fds[1], SHUT_WR), 0);
	check_int(go_recv(out), 0);
	check_int(go_recv(out), 1);
	check_int(go_read(fds[1], &c, 1), 1);
	check(c == 'x');
	close(fds[0]);
	close(fds[1]);
}

static void set_flag(void *flag)
{
	atomic_store((_Atomic bool *)flag, true);
}

static void read_and_set(int fd, _Atomic bool *parking, _Atomic bool *flag)
{
	char c;
	atomic_store(parking, true);
	check_int(go_read(fd, &c, 1), 1);
	set_flag(flag);
}

/* Descriptors and timers go on while a goroutine computes, and what they ready runs on another processor. */
static void a_computation_stops_no_descriptor(void)
{
	_Atomic bool parking = false, got = false, fired = false;
	int fds[2];
	make_pipe(fds, O_NONBLOCK);
	go_set_procs(2);
	go(read_and_set, fds[0], &parking, &got);
	while (!atomic_load(&parking))
		go_yield();
	go_after_func(GO_MS, set_flag, &fired);
	check_int(write(fds[1], "x", 1), 1);
	while (!atomic_load(&got) || !atomic_load(&fired))
		;
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		child_test(pipes),
		child_test(echo_server),
		child_test(waiters_share_a_descriptor),
		child_test(a_number_is_used_again),
		child_test(errors),
		child_test(files),
		child_test(timeouts),
		child_test(contexts_end_waits),
		child_test(events_race_with_cancellation),
		child_test(accepting_and_connecting),
		child_test(refused),
		child_test(a_full_pipe_ends_by_context),
		child_test(half_close_wakes_the_reader),
		child_test(a_computation_stops_no_descriptor),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
