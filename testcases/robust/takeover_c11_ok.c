// SPDX-License-Identifier: Apache-2.0
// BUILD: gcc-tsan clang-tsan-shared
// EXPECT: clean
// EXPECT-OUTPUT: ordered
// | 2
/* C11 threads, which ThreadSanitizer's own runtimes crash on. */
#include <stdio.h>
#include <threads.h>

static mtx_t lock;
static int counter;

static int worker(void *arg)
{
	(void)arg;
	mtx_lock(&lock);
	counter++;
	mtx_unlock(&lock);
	return 1;
}

int main(void)
{
	thrd_t t[2];
	int ended = 0;

	if (mtx_init(&lock, mtx_plain) != thrd_success)
		return 1;
	for (int i = 0; i < 2; i++)
		if (thrd_create(&t[i], worker, NULL) != thrd_success)
			return 1;
	for (int i = 0, result; i < 2; i++)
		ended += thrd_join(t[i], &result) == thrd_success && result == 1;
	mtx_destroy(&lock);
	printf("%d\n", ended == 2 ? counter : 0);
}
