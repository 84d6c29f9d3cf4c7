// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* A WaitGroup reused round by round, a pipe that orders, a signal, a ticker, a timer, a tree of contexts. */
#include <goroutine.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <signal.h>
#include <string.h>

static void phase(int *cell, int v, go_waitgroup *wg)
{
	*cell += v;
	go_waitgroup_done(wg);
}

static void pipe_reader(int fd, int *shared, go_chan(int) out)
{
	char c;
	if (go_read(fd, &c, 1) == 1)
		go_send(out, *shared + c);
}

static void fire(void *p)
{
	go_send(*(go_chan(int) *)p, 7);
}

static void leaf(go_context *ctx, go_waitgroup *wg)
{
	go_defer(go_waitgroup_done, wg);
	go_recv_ok(go_done(ctx), NULL);
}

int main(void)
{
	go_waitgroup wg = {0};
	int cells[4] = {0};
	for (int r = 0; r < 10; r++) {
		go_waitgroup_add(&wg, 4);
		for (int i = 0; i < 4; i++)
			go(phase, &cells[i], r, &wg);
		go_waitgroup_wait(&wg);
		int x = 0;
		for (int i = 0; i < 4; i++)
			x += cells[i];
		if (x < 0)
			return 1;
	}
	int fds[2];
	if (pipe(fds))
		return 1;
	go_chan(int) out = go_make(int, 0);
	int shared = 0;
	go(pipe_reader, fds[0], &shared, out);
	shared = 35;
	char c = 7;
	go_write(fds[1], &c, 1);
	printf("%d\n", go_recv(out));
	go_chan(int) sig = go_make(int, 1);
	go_notify(sig, SIGUSR1, 0);
	kill(getpid(), SIGUSR1);
	printf("%d\n", go_recv(sig) == SIGUSR1);
	go_ticker *t = go_ticker_new(2 * GO_MS);
	for (int i = 0; i < 3; i++)
		go_recv(go_ticker_chan(t));
	go_ticker_stop(t);
	go_after_func(GO_MS, fire, &out);
	printf("%d\n", go_recv(out));
	go_context *a = go_with_cancel(go_background()), *b = go_with_timeout(a, GO_SEC),
		   *d = go_with_value(b, "k", "v");
	go_waitgroup_add(&wg, 5);
	for (int i = 0; i < 5; i++)
		go(leaf, d, &wg);
	go_cancel(a);
	go_waitgroup_wait(&wg);
	printf("%d %d %s\n", go_err(b), go_err(d), (char *)go_value(d, "k"));
	go_cancel(b);
	go_context_free(d);
	go_context_free(b);
	go_context_free(a);
	go_chan(go_unit) nilc = NULL;
	if (go_select(GO_RECV(nilc), GO_AFTER(GO_MS)) != 1)
		return 1;
	go_mutex m = {0};
	if (go_mutex_trylock(&m))
		go_mutex_unlock(&m);
}
