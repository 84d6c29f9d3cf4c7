// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* The same with a lock around the loop: arrays, a struct that ends in one, and what the program's own allocator gave out. */
#include <goroutine.h>
#include <stdlib.h>

#define N 40

struct item {
	int uses, marks;
};

struct queue {
	size_t n;
	long slots[];
};

static int *numbers;
static struct item *items, *given[N], table[N];
static struct queue *queue;
static char *pool;
static go_mutex mu;

/* What a program's own allocator is like: a block without a type, of which pieces are given out. */
static void *make_pool(size_t size)
{
	void *block = malloc(size);

	return block;
}

static void visit(go_waitgroup *wg)
{
	go_mutex_lock(&mu);
	for (int i = 0; i < N; i++) {
		numbers[i]++;
		items[i].uses++;
		table[i].uses++;
		queue->slots[i]++;
		given[i]->uses++;
		given[i]->marks++;
	}
	queue->n++;
	go_mutex_unlock(&mu);
	go_waitgroup_done(wg);
}

int main(void)
{
	go_waitgroup wg = {0};

	numbers = calloc(N, sizeof(*numbers));
	items = calloc(N, sizeof(*items));
	queue = calloc(1, sizeof(*queue) + N * sizeof(*queue->slots));
	pool = make_pool(N * sizeof(struct item));
	for (int i = 0; i < N; i++) {
		given[i] = (struct item *)pool + i;
		*given[i] = (struct item){0, 0};
	}
	go_waitgroup_add(&wg, 2);
	go(visit, &wg);
	go(visit, &wg);
	go_waitgroup_wait(&wg);
	free(numbers);
	free(items);
	free(queue);
	free(pool);
}
