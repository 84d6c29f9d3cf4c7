/* SPDX-License-Identifier: Apache-2.0
 *
 * http.h: as much of an HTTP server and client as the guide's last two examples need. A goroutine per
 * connection, blocking style on go_accept, go_read and go_write; messages are parsed by http_parser.
 */
#ifndef HTTP_H
#define HTTP_H

#include <arpa/inet.h>
#include <errno.h>
#include <goroutine.h>
#include <http_parser.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HTTP_BODY_MAX = 65536 };

struct http_server {
	int (*handle)(void *arg, const char *path, char *body, size_t size); /* length, or -status */
	void *arg;
	int port; /* set by http_listen */
	int fd;
	go_waitgroup conns;    /* one per connection in work */
	go_chan(go_unit) idle; /* closed when the accept loop and every connection ended */
};

/* One message as the parser sees it. */
struct http_message {
	char path[128];
	char *body;
	size_t len, size;
	bool complete;
};

static int http__on_url(http_parser *p, const char *at, size_t n)
{
	struct http_message *m = p->data;
	size_t have = strlen(m->path), room = sizeof m->path - 1 - have;
	memcpy(m->path + have, at, n < room ? n : room);
	return 0;
}

static int http__on_body(http_parser *p, const char *at, size_t n)
{
	struct http_message *m = p->data;
	if (m->body && m->len + n <= m->size)
		memcpy(m->body + m->len, at, n);
	m->len += n;
	return 0;
}

static int http__on_complete(http_parser *p)
{
	struct http_message *m = p->data;
	m->complete = true;
	return 0;
}

/* Read one message; the parser holds the status afterwards. 0 or -errno. */
static int http__read(int fd, http_parser *parser, enum http_parser_type type, struct http_message *m)
{
	http_parser_settings on;
	char buf[4096];

	http_parser_settings_init(&on);
	on.on_url = http__on_url;
	on.on_body = http__on_body;
	on.on_message_complete = http__on_complete;
	http_parser_init(parser, type);
	parser->data = m;
	while (!m->complete) {
		ssize_t n = go_read(fd, buf, sizeof buf);
		if (n < 0)
			return (int)n;
		if (http_parser_execute(parser, &on, buf, (size_t)n) != (size_t)n || n == 0)
			return m->complete ? 0 : -EPROTO;
	}
	return 0;
}

static int http__write(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t done = go_write(fd, p, n);
		if (done < 0)
			return (int)done;
		p += done;
		n -= (size_t)done;
	}
	return 0;
}

static void http__close(int fd)
{
	close(fd);
}

static void http__connection(struct http_server *s, int fd)
{
	go_defer(go_waitgroup_done, &s->conns);
	go_defer(http__close, fd);
	struct http_message m = {0};
	http_parser parser;
	char head[160], *body = malloc(HTTP_BODY_MAX);
	go_defer(free, body);

	if (!body || http__read(fd, &parser, HTTP_REQUEST, &m) < 0)
		return;
	int n = s->handle(s->arg, m.path, body, HTTP_BODY_MAX), status = n < 0 ? -n : 200;
	size_t len = n < 0 ? 0 : (size_t)n;
	int head_len = snprintf(head, sizeof head,
				"HTTP/1.1 %d %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n", status,
				status == 200 ? "OK" : "Not Found", len);
	if (http__write(fd, head, (size_t)head_len) == 0)
		http__write(fd, body, len);
}

/* Listen on a free port of loopback. 0 or -errno. */
static int http_listen(struct http_server *s)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof at;

	signal(SIGPIPE, SIG_IGN); /* a client that went away is an error of write() */
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->fd < 0 || bind(s->fd, (struct sockaddr *)&at, len) < 0 || listen(s->fd, 64) < 0 ||
	    getsockname(s->fd, (struct sockaddr *)&at, &len) < 0)
		return -errno;
	s->port = ntohs(at.sin_port);
	s->idle = go_make(go_unit, 0);
	return 0;
}

/* Accept and serve until http_shutdown; returns when the last connection ended. */
static void http_serve(struct http_server *s)
{
	for (;;) {
		int fd = go_accept(s->fd, NULL, NULL);
		if (fd < 0)
			break; /* shut down */
		go_waitgroup_add(&s->conns, 1);
		go(http__connection, s, fd);
	}
	go_waitgroup_wait(&s->conns);
	go_close(s->idle);
}

/* No new connections; wait for those in work, at most until ctx is done. 0 or -errno. */
static int http_shutdown(struct http_server *s, go_context *ctx)
{
	shutdown(s->fd, SHUT_RDWR);
	if (go_select(GO_RECV(s->idle, NULL), GO_RECV(go_done(ctx), NULL)) == 1)
		return go_err(ctx);
	close(s->fd);
	return 0;
}

/* Length of the body, at most size bytes of which are in body; -status or -errno otherwise. */
static int http_get(int port, const char *path, char *body, size_t size)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_port = htons((uint16_t)port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct http_message m = {.body = body, .size = size};
	http_parser parser;
	char request[256];
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	go_defer(http__close, fd);
	int err = go_connect(fd, (struct sockaddr *)&to, sizeof to);
	if (err < 0)
		return err;
	int n = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);
	err = http__write(fd, request, (size_t)n);
	if (err == 0)
		err = http__read(fd, &parser, HTTP_RESPONSE, &m);
	if (err < 0)
		return err;
	return parser.status_code == 200 ? (int)m.len : -(int)parser.status_code;
}

#endif
