// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS203 lock-order
// RUNTIME: none
/* Two locks of the program's own making, announced, and taken in both orders. */
#include "annotate.h"

static struct spin a, b;

static void lock(struct spin *s)
{
	__tsan_mutex_pre_lock(s, 0);
	spin_take(s);
	__tsan_mutex_post_lock(s, 0, 0);
}

static void unlock(struct spin *s)
{
	__tsan_mutex_pre_unlock(s, 0);
	spin_give(s);
	__tsan_mutex_post_unlock(s, 0);
}

static void *one_way(void *arg)
{
	lock(&a);
	lock(&b);
	unlock(&b);
	unlock(&a);
	hidden_set(1);
	return arg;
}

int main(void)
{
	pthread_t t;

	__tsan_mutex_create(&a, 0);
	__tsan_mutex_create(&b, 0);
	if (pthread_create(&t, NULL, one_way, NULL))
		return 1;
	hidden_wait(1);
	lock(&b);
	lock(&a);
	unlock(&a);
	unlock(&b);
	pthread_join(t, NULL);
	__tsan_mutex_destroy(&a, 0);
	__tsan_mutex_destroy(&b, 0);
}
