// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS602 unlock-by-other
// RUNTIME: none
// FINDINGS: 1
/* A lock of the program's own is given back by a thread that did not take it. */
#include "annotate.h"

static struct spin a;

static void *other(void *arg)
{
	__tsan_mutex_pre_unlock(&a, 0);
	spin_give(&a);
	__tsan_mutex_post_unlock(&a, 0);
	return arg;
}

int main(void)
{
	pthread_t t;

	__tsan_mutex_create(&a, 0);
	__tsan_mutex_pre_lock(&a, 0);
	spin_take(&a);
	__tsan_mutex_post_lock(&a, 0, 0);
	if (pthread_create(&t, NULL, other, NULL))
		return 1;
	pthread_join(t, NULL);
	return 0;
}
