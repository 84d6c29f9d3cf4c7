// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* A growing array is handed from goroutine to goroutine with its lock. */
#include <goroutine.h>
#include <stdlib.h>

static int *items;
static size_t n_items;
static go_mutex mu;

static void append(int i, go_waitgroup *wg)
{
	go_mutex_lock(&mu);
	items = realloc(items, (n_items + 1) * sizeof *items);
	items[n_items++] = i;
	go_mutex_unlock(&mu);
	go_waitgroup_done(wg);
}

int main(void)
{
	go_waitgroup wg = {0};

	go_waitgroup_add(&wg, 100);
	for (int i = 0; i < 100; i++)
		go(append, i, &wg);
	go_waitgroup_wait(&wg);
	free(items);
	return n_items != 100;
}
