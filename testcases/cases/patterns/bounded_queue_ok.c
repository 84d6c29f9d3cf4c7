// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* A bounded queue on two condition variables: three producers, three consumers, drained before the end. */
#include <goroutine.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct q {
	go_mutex mu;
	go_cond nonempty, nonfull;
	int buf[4];
	int n, head;
	bool closed;
};

static void put(struct q *q, int v)
{
	go_mutex_lock(&q->mu);
	while (q->n == 4)
		go_cond_wait(&q->nonfull);
	q->buf[(q->head + q->n++) % 4] = v;
	go_mutex_unlock(&q->mu);
	go_cond_signal(&q->nonempty);
}

static bool get(struct q *q, int *v)
{
	go_mutex_lock(&q->mu);
	while (q->n == 0 && !q->closed)
		go_cond_wait(&q->nonempty);
	bool ok = q->n > 0;
	if (ok) {
		*v = q->buf[q->head];
		q->head = (q->head + 1) % 4;
		q->n--;
	}
	go_mutex_unlock(&q->mu);
	go_cond_signal(&q->nonfull);
	return ok;
}

static void prod(struct q *q, int id, go_waitgroup *wg)
{
	for (int i = 0; i < 100; i++)
		put(q, id * 100 + i);
	go_waitgroup_done(wg);
}

static void cons(struct q *q, long *sum, go_waitgroup *wg)
{
	int v;
	while (get(q, &v))
		*sum += v;
	go_waitgroup_done(wg);
}

int main(void)
{
	struct q *q = calloc(1, sizeof *q);
	q->nonempty = GO_COND(&q->mu);
	q->nonfull = GO_COND(&q->mu);
	go_waitgroup p = {0}, c = {0};
	long sums[3] = {0};
	go_waitgroup_add(&p, 3);
	go_waitgroup_add(&c, 3);
	for (int i = 0; i < 3; i++) {
		go(prod, q, i, &p);
		go(cons, q, &sums[i], &c);
	}
	go_waitgroup_wait(&p);
	go_mutex_lock(&q->mu);
	q->closed = true;
	go_mutex_unlock(&q->mu);
	go_cond_broadcast(&q->nonempty);
	go_waitgroup_wait(&c);
	printf("%ld\n", sums[0] + sums[1] + sums[2]);
	free(q);
}
