// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* Merge sort with a WaitGroup per level on the stack, once, and a cache under a read-write lock. */
#include <goroutine.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void msort(int *a, int *t, int n);
static void half(int *a, int *t, int n, go_waitgroup *wg)
{
	msort(a, t, n);
	go_waitgroup_done(wg);
}

static void msort(int *a, int *t, int n)
{
	if (n < 2)
		return;
	go_waitgroup wg = {0};
	if (n > 64) {
		go_waitgroup_add(&wg, 2);
		go(half, a, t, n / 2, &wg);
		go(half, a + n / 2, t + n / 2, n - n / 2, &wg);
		go_waitgroup_wait(&wg);
	} else {
		msort(a, t, n / 2);
		msort(a + n / 2, t + n / 2, n - n / 2);
	}
	memcpy(t, a, (size_t)n * sizeof *a);
	for (int i = 0, j = n / 2, k = 0; k < n; k++)
		a[k] = j >= n || (i < n / 2 && t[i] <= t[j]) ? t[i++] : t[j++];
}

static go_once once;
static int table[16];
static void init(void)
{
	for (int i = 0; i < 16; i++)
		table[i] = i * i;
}

static void user(int i, go_chan(int) out)
{
	go_once_do(&once, init);
	go_send(out, table[i % 16]);
}

static go_rwmutex rw;
static char cache[64];
static void reader(go_waitgroup *wg)
{
	for (int i = 0; i < 50; i++) {
		go_rwmutex_rlock(&rw);
		(void)strlen(cache);
		go_rwmutex_runlock(&rw);
		go_yield();
	}
	go_waitgroup_done(wg);
}

static void writer(go_waitgroup *wg)
{
	for (int i = 0; i < 50; i++) {
		go_rwmutex_lock(&rw);
		snprintf(cache, sizeof cache, "v%d", i);
		go_rwmutex_unlock(&rw);
		go_yield();
	}
	go_waitgroup_done(wg);
}

int main(void)
{
	enum { N = 3000 };
	int *a = malloc(N * sizeof *a), *t = malloc(N * sizeof *t);
	for (int i = 0; i < N; i++)
		a[i] = rand() % 1000;
	msort(a, t, N);
	for (int i = 1; i < N; i++)
		if (a[i - 1] > a[i])
			return 1;
	free(a);
	free(t);
	go_chan(int) out = go_make(int, 3);
	int s = 0;
	for (int i = 0; i < 20; i++)
		go(user, i, out);
	for (int i = 0; i < 20; i++)
		s += go_recv(out);
	go_waitgroup wg = {0};
	go_waitgroup_add(&wg, 4);
	go(reader, &wg);
	go(reader, &wg);
	go(writer, &wg);
	go(writer, &wg);
	go_waitgroup_wait(&wg);
	printf("%d\n", s);
}
