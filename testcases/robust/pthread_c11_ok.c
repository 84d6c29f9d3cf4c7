// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// RUNTIME: none
/* Threads, mutexes, conditions, once and keys of C11, instrumented: their order is seen. */
#include <threads.h>
#include <time.h>

static mtx_t mu, recursive;
static cnd_t cond;
static once_flag once = ONCE_FLAG_INIT;
static tss_t key;
static int counter, ready, table;

static void init(void)
{
	table = 42;
}

static int worker(void *arg)
{
	struct timespec t;

	timespec_get(&t, TIME_UTC);
	t.tv_sec += 10;
	call_once(&once, init);
	tss_set(key, arg);
	mtx_lock(&recursive);
	mtx_lock(&recursive);
	mtx_unlock(&recursive);
	mtx_unlock(&recursive);
	if (mtx_timedlock(&mu, &t) != thrd_success)
		return 1;
	counter += table;
	ready++;
	cnd_signal(&cond);
	mtx_unlock(&mu);
	return tss_get(key) == arg ? 7 : 1;
}

int main(void)
{
	thrd_t t[3];
	int ret, failed = 0;

	mtx_init(&mu, mtx_timed);
	mtx_init(&recursive, mtx_plain | mtx_recursive);
	cnd_init(&cond);
	tss_create(&key, NULL);
	for (int i = 0; i < 3; i++)
		failed += thrd_create(&t[i], worker, &t[i]) != thrd_success;
	mtx_lock(&mu);
	while (ready < 3)
		cnd_wait(&cond, &mu);
	counter++;
	mtx_unlock(&mu);
	failed += mtx_trylock(&mu) != thrd_success;
	failed += counter != 127;
	mtx_unlock(&mu);
	for (int i = 0; i < 3; i++)
		failed += thrd_join(t[i], &ret) != thrd_success || ret != 7;
	cnd_destroy(&cond);
	mtx_destroy(&mu);
	mtx_destroy(&recursive);
	tss_delete(key);
	return failed;
}
