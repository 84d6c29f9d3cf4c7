/* SPDX-License-Identifier: Apache-2.0
 *
 * io.c: read, write, accept and connect that park the goroutine, not the thread.
 *
 * Descriptors keep the mode that the program gave them, since the flag is shared with other processes:
 *  - non-blocking: the call is tried, and on EAGAIN the goroutine waits for the descriptor;
 *  - sockets in any mode: the same, by MSG_DONTWAIT; so one is tried first, and one call is all that a transfer
 *    costs that need not wait;
 *  - other blocking ones (pipes, terminals, files): waited for, then the call is made without holding a
 *    processor, because another reader may have been faster.
 */
#include "scheduler.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum mode { SOCKET, NONBLOCKING, BLOCKING };

/* Asked each time, since the program may change it; two cheap calls against a wait. */
static int mode_of(int fd)
{
	struct stat st;
	int flags = fcntl(fd, F_GETFL);
	if (flags < 0)
		return -errno;
	if (flags & O_NONBLOCK)
		return NONBLOCKING;
	return fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode) ? SOCKET : BLOCKING;
}

/* Two names for one number here, but POSIX allows two numbers. */
static bool would_block(void)
{
	return errno == EAGAIN || errno == EWOULDBLOCK;
}

/* ctx NULL: nobody ends the wait. tried: the descriptor has just said that it would block. */
static int wait_for(struct go_context *ctx, int fd, short events, bool tried)
{
	return ctx == NULL ? go__wait_fd(fd, events, -1, !tried) : go__wait_fd_ctx(ctx, fd, events, !tried);
}

struct transfer {
	struct go_context *ctx;
	int fd;
	int mode;
	void *in;
	const void *out;
	size_t n;
};

/* On a thread that gave its processor away. */
static intptr_t blocking_transfer(void *arg)
{
	struct transfer *t = arg;
	ssize_t n = t->in != NULL ? read(t->fd, t->in, t->n) : write(t->fd, t->out, t->n);
	return n >= 0 ? n : -errno;
}

/* One attempt: a count, or -EAGAIN, or another error. */
static ssize_t attempt(struct transfer *t)
{
	ssize_t n;
	if (t->mode == SOCKET)
		n = t->in != NULL ? recv(t->fd, t->in, t->n, MSG_DONTWAIT)
				  : send(t->fd, t->out, t->n, MSG_DONTWAIT);
	else
		n = t->in != NULL ? read(t->fd, t->in, t->n) : write(t->fd, t->out, t->n);
	if (n >= 0)
		return n;
	if (t->mode == SOCKET && errno == ENOTSOCK) {
		t->mode = mode_of(t->fd);
		return t->mode < 0 ? t->mode : -EINTR; /* again, in its way */
	}
	return would_block() ? -EAGAIN : -errno;
}

/* A blocking pipe or terminal that is ready may be drained by another reader before we come to it, which
 * is why that call gives the processor away. */
static ssize_t transfer(struct transfer *t)
{
	short events = t->in != NULL ? POLLIN : POLLOUT;
	for (;;) {
		ssize_t n = t->mode == BLOCKING ? -EAGAIN : attempt(t);
		if (n == -EINTR)
			continue;
		if (n != -EAGAIN)
			return n;
		int ready = wait_for(t->ctx, t->fd, events, t->mode != BLOCKING);
		if (ready < 0)
			return ready;
		if (t->mode != BLOCKING)
			continue;
		n = go_blocking(blocking_transfer, t);
		if (n != -EINTR)
			return n;
	}
}

/* A context that is over already ends also what would not have to wait. */
static ssize_t read_for(struct go_context *ctx, int fd, void *buf, size_t n)
{
	struct transfer t = {.ctx = ctx, .fd = fd, .mode = SOCKET, .in = buf, .n = n};
	int over = ctx == NULL ? 0 : go_err(ctx);
	go__self();
	if (over != 0)
		return over;
	ssize_t got = transfer(&t);
	if (got >= 0)
		GO_PROBE(fd_acquire, fd);
	if (got > 0)
		GO_PROBE(access, buf, (size_t)got, true);
	return got;
}

ssize_t go_read(int fd, void *buf, size_t n)
{
	return read_for(NULL, fd, buf, n);
}

ssize_t go_read_ctx(struct go_context *ctx, int fd, void *buf, size_t n)
{
	return read_for(ctx, fd, buf, n);
}

/* All of it, unless an error comes first; then what was written, or the error when that is nothing. */
static ssize_t write_for(struct go_context *ctx, int fd, const void *buf, size_t n)
{
	struct transfer t = {.ctx = ctx, .fd = fd, .mode = SOCKET, .out = buf, .n = n};
	int over = ctx == NULL ? 0 : go_err(ctx);
	go__self();
	if (over != 0)
		return over;
	if (n > 0)
		GO_PROBE(access, buf, n, false);
	GO_PROBE(fd_release, fd);
	do {
		ssize_t put = transfer(&t);
		if (put < 0)
			return t.n < n ? (ssize_t)(n - t.n) : put;
		t.out = (const char *)t.out + put;
		t.n -= (size_t)put;
	} while (t.n > 0);
	return (ssize_t)n;
}

ssize_t go_write(int fd, const void *buf, size_t n)
{
	return write_for(NULL, fd, buf, n);
}

ssize_t go_write_ctx(struct go_context *ctx, int fd, const void *buf, size_t n)
{
	return write_for(ctx, fd, buf, n);
}

struct accepting {
	int fd;
	struct sockaddr *addr;
	socklen_t *len;
};

/* Also as a blocking call, for listeners in blocking mode. */
static intptr_t accept_now(void *arg)
{
	struct accepting *a = arg;
	int fd = accept4(a->fd, a->addr, a->len, SOCK_CLOEXEC);
	if (fd >= 0)
		return fd;
	return would_block() ? -EAGAIN : -errno;
}

/* Connections that ended before they were accepted are nobody's error: the next one. */
static int accept_for(struct go_context *ctx, int fd, struct sockaddr *addr, socklen_t *len)
{
	struct accepting a = {.fd = fd, .addr = addr, .len = len};
	int mode = mode_of(fd);
	go__self();
	while (mode >= 0) {
		intptr_t got = -EAGAIN;
		if (mode == NONBLOCKING)
			got = accept_now(&a);
		if (got == -EAGAIN) {
			int ready = wait_for(ctx, fd, POLLIN, mode == NONBLOCKING);
			if (ready < 0)
				return ready;
			got = mode == NONBLOCKING ? accept_now(&a) : go_blocking(accept_now, &a);
		}
		if (got >= 0)
			GO_PROBE(fd_acquire, fd);
		if (got != -EAGAIN && got != -EINTR && got != -ECONNABORTED)
			return (int)got;
	}
	return mode;
}

int go_accept(int fd, struct sockaddr *addr, socklen_t *len)
{
	return accept_for(NULL, fd, addr, len);
}

int go_accept_ctx(struct go_context *ctx, int fd, struct sockaddr *addr, socklen_t *len)
{
	int over = go_err(ctx);
	return over != 0 ? over : accept_for(ctx, fd, addr, len);
}

/* A blocking socket is switched for the time of the call: connect has no flag of its own. */
static int connect_for(struct go_context *ctx, int fd, const struct sockaddr *addr, socklen_t len)
{
	int flags = fcntl(fd, F_GETFL), err = 0;
	socklen_t size = sizeof(err);
	go__self();
	if (flags < 0)
		return -errno;
	GO_PROBE(fd_release, fd);
	if (!(flags & O_NONBLOCK))
		fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	if (connect(fd, addr, len) != 0)
		err = errno;
	if (err == EINPROGRESS || err == EINTR) {
		int ready = wait_for(ctx, fd, POLLOUT, true);
		if (ready < 0)
			err = -ready;
		else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &size) != 0)
			err = errno;
	}
	if (!(flags & O_NONBLOCK))
		fcntl(fd, F_SETFL, flags);
	return -err;
}

int go_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	return connect_for(NULL, fd, addr, len);
}

/* Ended by the context, the connection is still being made: the socket is good for nothing but close. */
int go_connect_ctx(struct go_context *ctx, int fd, const struct sockaddr *addr, socklen_t len)
{
	int over = go_err(ctx);
	return over != 0 ? over : connect_for(ctx, fd, addr, len);
}
