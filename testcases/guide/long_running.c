// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// EXPECT-OUTPUT: unordered
// ~+ Monitoring data\.\.\.
// ~+ Checking service health\.\.\.
// ~+ Processing messages\.\.\.
// |
// | Shutdown signal received, gracefully shutting down...
// | Data monitor shutting down...
// | Health checker shutting down...
// | Message processor shutting down...
// | All workers completed gracefully
// | Application shutdown complete
/* Long-running goroutines: a context that can be cancelled, a ticker each, a signal that starts the graceful
 * shutdown, and a time limit for it. An operator goroutine stands in for the person who presses Ctrl-C. */
#include "guide.h"

#include <signal.h>

static void work(go_context *ctx, go_waitgroup *wg, int64_t period, const char *doing, const char *name)
{
	go_defer(go_waitgroup_done, wg);
	go_ticker *ticker = go_ticker_new(period);
	go_defer(go_ticker_stop, ticker);

	for (;;) {
		switch (go_select(GO_RECV(go_done(ctx), NULL), GO_RECV(go_ticker_chan(ticker), NULL))) {
		case 0:
			printf("%s shutting down...\n", name);
			return;
		case 1:
			printf("%s...\n", doing);
		}
	}
}

static void close_when_done(go_waitgroup *wg, go_chan(go_unit) done)
{
	go_waitgroup_wait(wg);
	go_close(done);
}

static void operator_(void)
{
	go_sleep(GUIDE_MS(4500));
	kill(getpid(), SIGTERM);
}

int main(void)
{
	go_context *ctx = go_with_cancel(go_background());
	go_defer(go_cancel, ctx); /* ensure that it is called */
	go_waitgroup wg = {0};

	go_waitgroup_add(&wg, 1);
	go(work, ctx, &wg, GUIDE_MS(1000), "Monitoring data", "Data monitor");
	go_waitgroup_add(&wg, 1);
	go(work, ctx, &wg, GUIDE_MS(2000), "Checking service health", "Health checker");
	go_waitgroup_add(&wg, 1);
	go(work, ctx, &wg, GUIDE_MS(1500), "Processing messages", "Message processor");

	go_chan(int) signals = go_make(int, 1);
	go_notify(signals, SIGINT, SIGTERM, 0);
	go(operator_);

	go_recv(signals);
	printf("\nShutdown signal received, gracefully shutting down...\n");
	go_cancel(ctx);

	go_chan(go_unit) done = go_make(go_unit, 0);
	go(close_when_done, &wg, done);
	switch (go_select(GO_RECV(done, NULL), GO_AFTER(GUIDE_MS(50000)))) {
	case 0:
		printf("All workers completed gracefully\n");
		break;
	case 1:
		printf("Timeout waiting for workers, forcing shutdown\n");
	}
	printf("Application shutdown complete\n");
}
