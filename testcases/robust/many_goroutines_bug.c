// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// FINDINGS: 1
// OBJECT: hot
// PROCS: 2
// TIMEOUT: 120
/* A hundred thousand goroutines are alive at once; each knows little of the others, takes one of a few locks and is
 * waited for. Two of them write the same variable before they synchronise with anybody. */
#include <goroutine.h>

enum { GOROUTINES = 100000, LOCKS = 64 };

static go_mutex lock[LOCKS];
static long sum[LOCKS];
static int own[GOROUTINES];
static int hot;

static void write_hot(void)
{
	hot++;
}

static void work(go_chan(go_unit) start, go_waitgroup *wg, int i)
{
	go_recv_ok(start, NULL);
	if (i == GOROUTINES / 3 || i == GOROUTINES / 2)
		write_hot();
	own[i] = i;
	go_mutex_lock(&lock[i % LOCKS]);
	sum[i % LOCKS] += own[i];
	go_mutex_unlock(&lock[i % LOCKS]);
	go_waitgroup_done(wg);
}

int main(void)
{
	go_chan(go_unit) start = go_make(go_unit, 0);
	go_waitgroup wg = {0};
	long all = 0;

	go_waitgroup_add(&wg, GOROUTINES);
	for (int i = 0; i < GOROUTINES; i++)
		go(work, start, &wg, i);
	go_close(start);
	go_waitgroup_wait(&wg);
	for (int i = 0; i < LOCKS; i++)
		all += sum[i];
	return all != (long)GOROUTINES * (GOROUTINES - 1) / 2;
}
