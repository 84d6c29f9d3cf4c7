// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// RUNTIME: none
/* Announcements that only look wrong: a static lock that is taken before it is created, recursion, a writer that reads, a
 * lock that is handed from writing to reading, one in memory that was another's, one after the failure of an attempt. */
#include "annotate.h"

#include <stdlib.h>

#define TAKE(lock, w) AnnotateRWLockAcquired(__FILE__, __LINE__, lock, w)
#define GIVE(lock, w) AnnotateRWLockReleased(__FILE__, __LINE__, lock, w)

static struct spin early, again, tried;

static void in_the_heap(void)
{
	struct spin *s = malloc(sizeof *s);

	TAKE(s, 1);
	GIVE(s, 1);
	free(s);
}

static void *attempt(void *arg)
{
	__tsan_mutex_pre_lock(&tried, 1u << 4);
	__tsan_mutex_post_lock(&tried, 1u << 4 | 1u << 5, 0);
	in_the_heap();
	return arg;
}

int main(void)
{
	pthread_t t;

	TAKE(&early, 1);
	AnnotateRWLockCreateStatic(__FILE__, __LINE__, &early);
	GIVE(&early, 1);
	AnnotateRWLockCreate(__FILE__, __LINE__, &again);
	TAKE(&again, 1);
	TAKE(&again, 1);
	TAKE(&again, 0);
	GIVE(&again, 1);
	GIVE(&again, 1);
	GIVE(&again, 0);
	TAKE(&tried, 1);
	if (pthread_create(&t, NULL, attempt, NULL))
		return 1;
	pthread_join(t, NULL);
	GIVE(&tried, 1);
	for (int i = 0; i < 3; i++)
		in_the_heap();
	AnnotateRWLockDestroy(__FILE__, __LINE__, &again);
	return 0;
}
