/* SPDX-License-Identifier: Apache-2.0 */
#include "child.h"
#include "internal.h"

#include <pthread.h>

static bool all(const unsigned char *p, size_t n, unsigned char value)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != value)
			return false;
	return true;
}

/* Every size class and beyond, fresh and reused: zeroed, writable to the end, not shared. */
static void zeroed_and_apart(void)
{
	for (size_t size = 1; size < 300000; size = size * 3 / 2 + 1) {
		unsigned char *p[3];
		for (int round = 0; round < 2; round++) {
			for (int i = 0; i < 3; i++) {
				p[i] = go__alloc(size);
				check(p[i] != NULL && (uintptr_t)p[i] % 16 == 0);
				check(all(p[i], size, 0));
				memset(p[i], i + 1, size);
			}
			for (int i = 0; i < 3; i++) {
				check(all(p[i], size, (unsigned char)(i + 1)));
				go__free(p[i], size);
			}
		}
	}
	go__free(NULL, 10);
}

static void copies_any_size(void)
{
	unsigned char from[100], to[102];
	for (size_t i = 0; i < sizeof(from); i++)
		from[i] = (unsigned char)(i + 1);
	for (size_t n = 0; n <= sizeof(from); n++) {
		memset(to, 0, sizeof(to));
		go__copy(to + 1, from, n);
		check(memcmp(to + 1, from, n) == 0);
		check(to[0] == 0 && to[n + 1] == 0);
	}
}

static struct go_lock lock;
static long counter;

static void *count(void *unused)
{
	for (int i = 0; i < 20000; i++) {
		go__lock(&lock);
		counter++;
		go__unlock(&lock);
	}
	return unused;
}

/* More threads than processors, so that holders lose theirs. */
static void lock_excludes(void)
{
	pthread_t threads[6];
	for (int i = 0; i < 6; i++)
		check(pthread_create(&threads[i], NULL, count, NULL) == 0);
	for (int i = 0; i < 6; i++)
		pthread_join(threads[i], NULL);
	check_int(counter, 6 * 20000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		child_test(zeroed_and_apart),
		child_test(copies_any_size),
		child_test(lock_excludes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
