// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// LIBS: http_parser
// EXPECT-OUTPUT: unordered
// | Fetched /golang: 6000 bytes
// | Fetched /github: 12000 bytes
// | Fetched /stackoverflow: 18000 bytes
// | Fetched /debian: 24000 bytes
// | Error fetching /nowhere: status 404
/* Web scraper: fetch several pages at once, at most three at a time, and collect what came of each. The web
 * is a server on loopback in the same process. */
#include "guide.h"
#include "http.h"

struct line {
	char text[80];
};

static int serve_page(void *arg, const char *path, char *body, size_t size)
{
	static const char *const pages[] = {"/golang", "/github", "/stackoverflow", "/debian"};
	(void)arg;
	for (size_t i = 0; i < 4; i++) {
		size_t len = (i + 1) * 6000;
		if (strcmp(path, pages[i]) || len > size)
			continue;
		memset(body, 'x', len);
		return (int)len;
	}
	return -404;
}

static void release(go_chan(go_unit) semaphore)
{
	go_recv(semaphore);
}

static void fetch(int port, const char *url, go_chan(struct line) results, go_chan(go_unit) semaphore,
		  go_waitgroup *wg)
{
	go_defer(go_waitgroup_done, wg);
	go_send(semaphore, GO_UNIT); /* acquire a token */
	go_defer(release, semaphore);

	struct line line;
	int got = http_get(port, url, NULL, 0);
	if (got < 0)
		snprintf(line.text, sizeof line.text, "Error fetching %s: status %d", url, -got);
	else
		snprintf(line.text, sizeof line.text, "Fetched %s: %d bytes", url, got);
	go_send(results, line);
}

static void close_results(go_waitgroup *wg, go_chan(struct line) results)
{
	go_waitgroup_wait(wg);
	go_close(results);
}

int main(void)
{
	static const char *const urls[] = {"/golang", "/github", "/stackoverflow", "/debian", "/nowhere"};
	struct http_server server = {.handle = serve_page};
	if (http_listen(&server) < 0)
		return 1;
	go(http_serve, &server);

	go_chan(struct line) results = go_make(struct line, 0);
	go_chan(go_unit) semaphore = go_make(go_unit, 3);
	go_waitgroup wg = {0};
	for (size_t i = 0; i < 5; i++) {
		go_waitgroup_add(&wg, 1);
		go(fetch, server.port, urls[i], results, semaphore, &wg);
	}
	go(close_results, &wg, results);
	go_range(r, results) {
		printf("%s\n", r.text);
	}
	go_context *ctx = go_with_timeout(go_background(), 20 * GO_SEC);
	go_defer(go_cancel, ctx);
	return http_shutdown(&server, ctx) < 0;
}
