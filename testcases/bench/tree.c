/* SPDX-License-Identifier: Apache-2.0
 *
 * tree.c: two threads each build, sum and free binary trees; malloc and free, recursion, pointer chasing.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { DEPTH = 16, TREES = 24, SUMS = 4, THREADS = 2 };

struct node {
	struct node *left, *right;
	long value;
};

static struct node *build(int depth)
{
	struct node *n = depth ? malloc(sizeof *n) : NULL;

	if (n)
		*n = (struct node){.left = build(depth - 1), .right = build(depth - 1), .value = depth};
	return n;
}

static long sum(const struct node *n)
{
	return n ? n->value + sum(n->left) + sum(n->right) : 0;
}

static void destroy(struct node *n)
{
	if (!n)
		return;
	destroy(n->left);
	destroy(n->right);
	free(n);
}

static void *worker(void *arg)
{
	long *total = arg;

	for (int i = 0; i < TREES; i++) {
		struct node *root = build(DEPTH);
		for (int k = 0; k < SUMS; k++)
			*total += sum(root);
		destroy(root);
	}
	return NULL;
}

int main(void)
{
	pthread_t thread[THREADS];
	static long total[THREADS][16]; /* a cache line apart */

	for (int t = 0; t < THREADS; t++)
		pthread_create(&thread[t], NULL, worker, total[t]);
	for (int t = 0; t < THREADS; t++)
		pthread_join(thread[t], NULL);
	printf("%ld\n", total[0][0] + total[1][0]);
	return total[0][0] != total[1][0];
}
