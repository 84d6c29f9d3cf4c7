// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// LIBS: http_parser
// EXPECT-OUTPUT: unordered
// ~ Starting HTTP server on :\d+
// | HTTP server stopped
// ~+ --- Current Stats ---
// ~+ /(hello|world): \d+ requests
// ~+ Performing background processing\.\.\.
// ~+ Background processing complete
// |
// | Received signal: 15, initiating graceful shutdown...
// | Clients: 20 answers, /hello 12, /world 8
// | Stats reporter shutting down...
// | Background processor shutting down...
// | All goroutines have completed gracefully
// | Service has shut down gracefully
/* Long-running service: an HTTP server, a reporter of statistics and a background processor, all ended by
 * SIGTERM within a time limit. Clients in the same process stand in for the world outside. */
#include "guide.h"
#include "http.h"

#include <signal.h>

struct stats { /* map[string]int, protected by mu */
	go_rwmutex mu;
	struct {
		char path[32];
		int count;
	} by_path[8];
};

static void stats_count(struct stats *s, const char *path)
{
	go_rwmutex_lock(&s->mu);
	go_defer(go_rwmutex_unlock, &s->mu);
	for (int i = 0; i < 8; i++) {
		if (!s->by_path[i].path[0])
			snprintf(s->by_path[i].path, sizeof s->by_path[i].path, "%s", path);
		if (!strcmp(s->by_path[i].path, path)) {
			s->by_path[i].count++;
			return;
		}
	}
}

static void stats_print(struct stats *s)
{
	go_rwmutex_rlock(&s->mu);
	go_defer(go_rwmutex_runlock, &s->mu);
	printf("--- Current Stats ---\n");
	for (int i = 0; i < 8 && s->by_path[i].path[0]; i++)
		printf("%s: %d requests\n", s->by_path[i].path, s->by_path[i].count);
}

static int hello(void *arg, const char *path, char *body, size_t size)
{
	stats_count(arg, path);
	return snprintf(body, size, "Hello, you've requested: %s\n", path);
}

static void run_server(struct http_server *server, go_waitgroup *wg)
{
	go_defer(go_waitgroup_done, wg);
	printf("Starting HTTP server on :%d\n", server->port);
	http_serve(server);
	printf("HTTP server stopped\n");
}

static void report_stats(go_context *ctx, struct stats *stats, go_waitgroup *wg)
{
	go_defer(go_waitgroup_done, wg);
	go_ticker *ticker = go_ticker_new(GUIDE_MS(1000));
	go_defer(go_ticker_stop, ticker);

	while (go_select(GO_RECV(go_done(ctx), NULL), GO_RECV(go_ticker_chan(ticker), NULL)) == 1)
		stats_print(stats);
	printf("Stats reporter shutting down...\n");
}

static void process(go_context *ctx, go_waitgroup *wg)
{
	go_defer(go_waitgroup_done, wg);
	go_ticker *ticker = go_ticker_new(GUIDE_MS(2000));
	go_defer(go_ticker_stop, ticker);

	while (go_select(GO_RECV(go_done(ctx), NULL), GO_RECV(go_ticker_chan(ticker), NULL)) == 1) {
		printf("Performing background processing...\n");
		go_sleep(GUIDE_MS(500));
		printf("Background processing complete\n");
	}
	printf("Background processor shutting down...\n");
}

static void client(int port, const char *path, go_chan(int) answers)
{
	char body[128] = "", want[128];

	snprintf(want, sizeof want, "Hello, you've requested: %s\n", path);
	int got = http_get(port, path, body, sizeof body - 1);
	go_send(answers, got == (int)strlen(want) && !strcmp(body, want));
}

/* The world: twenty requests at once, a while of nothing, then the operator's SIGTERM. */
static void world(int port, go_chan(int) answers)
{
	for (int i = 0; i < 20; i++)
		go(client, port, i % 5 < 3 ? "/hello" : "/world", answers);
	int good = 0;
	for (int i = 0; i < 20; i++)
		good += go_recv(answers);
	go_sleep(GUIDE_MS(4700));
	go_send(answers, good);
	kill(getpid(), SIGTERM);
}

static void close_when_done(go_waitgroup *wg, go_chan(go_unit) done)
{
	go_waitgroup_wait(wg);
	go_close(done);
}

static int count_of(struct stats *s, const char *path)
{
	int count = 0;

	go_rwmutex_rlock(&s->mu);
	for (int i = 0; i < 8; i++)
		if (!strcmp(s->by_path[i].path, path))
			count = s->by_path[i].count;
	go_rwmutex_runlock(&s->mu);
	return count;
}

int main(void)
{
	static struct stats stats;
	struct http_server server = {.handle = hello, .arg = &stats};
	go_context *ctx = go_with_cancel(go_background());
	go_defer(go_cancel, ctx);
	go_waitgroup wg = {0};
	if (http_listen(&server) < 0)
		return 1;

	go_waitgroup_add(&wg, 1);
	go(run_server, &server, &wg);
	go_waitgroup_add(&wg, 1);
	go(report_stats, ctx, &stats, &wg);
	go_waitgroup_add(&wg, 1);
	go(process, ctx, &wg);

	go_chan(int) signals = go_make(int, 1);
	go_notify(signals, SIGINT, SIGTERM, 0);
	go_chan(int) answers = go_make(int, 20);
	go(world, server.port, answers);

	int sig = go_recv(signals);
	printf("\nReceived signal: %d, initiating graceful shutdown...\n", sig);
	go_cancel(ctx); /* tell all goroutines to stop */

	go_context *limit = go_with_timeout(go_background(), GUIDE_MS(100000));
	go_defer(go_cancel, limit);
	int err = http_shutdown(&server, limit);
	if (err < 0)
		printf("HTTP server shutdown error: %s\n", strerror(-err));
	printf("Clients: %d answers, /hello %d, /world %d\n", go_recv(answers), count_of(&stats, "/hello"),
	       count_of(&stats, "/world"));

	go_chan(go_unit) done = go_make(go_unit, 0);
	go(close_when_done, &wg, done);
	if (go_select(GO_RECV(done, NULL), GO_AFTER(GUIDE_MS(150000))) == 0)
		printf("All goroutines have completed gracefully\n");
	else
		printf("Timeout waiting for some goroutines, forcing exit\n");
	printf("Service has shut down gracefully\n");
}
