/* SPDX-License-Identifier: Apache-2.0
 *
 * server.c: an HTTP/1.1 echo server, a goroutine per connection.
 *
 *   server [PORT]                prints "listening on PORT"; SIGINT or SIGTERM ends it in peace
 *
 * The answer to a request with a body is the body; to one without, its path. Connections are kept alive, requests
 * may be pipelined, and a connection that says nothing for a minute is closed: its context ends the read.
 */
#include <goroutine.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define BUFFER  8192 /* of a request's head and body together */
#define IDLE    (60 * GO_SEC)
#define BACKLOG 4096

static _Atomic long served, connections;

struct conn {
	int fd;
	go_context *all; /* of the server: over when it shuts down */
	size_t n;        /* bytes in buf */
	char buf[BUFFER];
};

struct request {
	const char *path;
	size_t path_len, head_len, body_len;
	bool close;
};

/* The value of a header, or NULL. `head` ends with an empty line. */
static const char *header(const char *head, const char *name)
{
	size_t n = strlen(name);
	for (const char *line = strstr(head, "\r\n"); line != NULL; line = strstr(line, "\r\n")) {
		line += 2;
		if (strncasecmp(line, name, n) == 0 && line[n] == ':')
			return line + n + 1 + strspn(line + n + 1, " ");
		if (*line == '\r')
			break;
	}
	return NULL;
}

/* The request line and what we need of the headers. False: not HTTP. */
static bool parse(char *head, size_t head_len, struct request *r)
{
	char *space = strchr(head, ' '), *end = space == NULL ? NULL : strpbrk(space + 1, " \r");
	if (end == NULL || *end != ' ' || strncmp(end + 1, "HTTP/1.", 7) != 0)
		return false;
	const char *length = header(head, "Content-Length"), *connection = header(head, "Connection");
	r->path = space + 1;
	r->path_len = (size_t)(end - space - 1);
	r->head_len = head_len;
	r->body_len = length == NULL ? 0 : strtoul(length, NULL, 10);
	r->close = connection != NULL ? strncasecmp(connection, "close", 5) == 0 : end[8] == '0';
	return r->body_len <= BUFFER - 1 - head_len;
}

/* More bytes; 0 or negative when there are none: the end, an error, silence for too long, or the shutdown. A
 * context costs a timer, so it is made only when there is something to wait for. */
static ssize_t more(struct conn *c)
{
	if (c->n == BUFFER - 1)
		return -EMSGSIZE;
	ssize_t n = recv(c->fd, c->buf + c->n, BUFFER - 1 - c->n, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		go_context *idle = go_with_timeout(c->all, IDLE);
		n = go_read_ctx(idle, c->fd, c->buf + c->n, BUFFER - 1 - c->n);
		go_context_free(idle);
	}
	if (n > 0)
		c->n += (size_t)n;
	c->buf[c->n] = '\0';
	return n;
}

/* A whole request at the beginning of the buffer. */
static bool next_request(struct conn *c, struct request *r)
{
	char *end;
	while ((end = strstr(c->buf, "\r\n\r\n")) == NULL)
		if (more(c) <= 0)
			return false;
	if (!parse(c->buf, (size_t)(end + 4 - c->buf), r))
		return false;
	while (c->n < r->head_len + r->body_len)
		if (more(c) <= 0)
			return false;
	return true;
}

/* Head and content in one write. */
static bool answer(struct conn *c, const struct request *r)
{
	char out[BUFFER + 256];
	const char *content = r->body_len > 0 ? c->buf + r->head_len : r->path;
	size_t size = r->body_len > 0 ? r->body_len : r->path_len;
	int n = snprintf(out, sizeof(out),
			 "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n%s\r\n", size,
			 r->close ? "Connection: close\r\n" : "");
	memcpy(out + n, content, size);
	atomic_fetch_add_explicit(&served, 1, memory_order_relaxed);
	return go_write(c->fd, out, (size_t)n + size) >= 0;
}

static void converse(int fd, go_context *all)
{
	struct conn *c = calloc(1, sizeof(*c));
	struct request r;
	if (c == NULL) {
		close(fd);
		return;
	}
	go_defer(free, (void *)c);
	go_defer(close, fd);
	c->fd = fd;
	c->all = all;
	atomic_fetch_add(&connections, 1);
	while (next_request(c, &r)) {
		if (!answer(c, &r) || r.close)
			break;
		size_t used = r.head_len + r.body_len;
		memmove(c->buf, c->buf + used, c->n - used + 1);
		c->n -= used;
	}
	atomic_fetch_sub(&connections, 1);
}

static void accept_all(int listener, go_context *all, go_waitgroup *wg)
{
	int one = 1;
	for (;;) {
		int fd = go_accept_ctx(all, listener, NULL, NULL);
		if (fd == -EMFILE || fd == -ENFILE) {
			go_sleep(GO_MS); /* until somebody hangs up */
			continue;
		}
		if (fd < 0)
			return;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		go_waitgroup_go(wg, converse, fd, all);
	}
}

static int listen_on(int port)
{
	struct sockaddr_in addr = {.sin_family = AF_INET,
				   .sin_port = htons((uint16_t)port),
				   .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(addr);
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) != 0 || listen(fd, BACKLOG) != 0 ||
	    getsockname(fd, (struct sockaddr *)&addr, &len) != 0) {
		perror("listen");
		exit(1);
	}
	printf("listening on %d\n", ntohs(addr.sin_port));
	fflush(stdout);
	return fd;
}

int main(int argc, char **argv)
{
	struct rlimit files;
	go_waitgroup wg = {0};
	go_chan(int) signals = go_make(int, 1);
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	signal(SIGPIPE, SIG_IGN);
	go_notify(signals, SIGINT, SIGTERM, 0);
	go_context *all = go_with_cancel(go_background());
	int listener = listen_on(argc > 1 ? atoi(argv[1]) : 0);
	go_waitgroup_go(&wg, accept_all, listener, all, &wg);
	go_recv(signals);
	go_cancel(all); /* ends the accept and every read that waits; answers are still written */
	go_waitgroup_wait(&wg);
	printf("served %ld\n", atomic_load(&served));
	return 0;
}
