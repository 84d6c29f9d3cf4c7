// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS204 double-lock
// RUNTIME: none
// FINDINGS: 2
/* A lock of the program's own is announced as taken for reading by the thread that has it for writing; another as taken
 * for writing by two threads at once. */
#include "annotate.h"

static struct spin a, b;

static void *second(void *arg)
{
	AnnotateRWLockAcquired(__FILE__, __LINE__, &b, 1);
	AnnotateRWLockReleased(__FILE__, __LINE__, &b, 1);
	return arg;
}

int main(void)
{
	pthread_t t;

	AnnotateRWLockAcquired(__FILE__, __LINE__, &a, 1);
	AnnotateRWLockAcquired(__FILE__, __LINE__, &a, 0);
	AnnotateRWLockAcquired(__FILE__, __LINE__, &b, 1);
	if (pthread_create(&t, NULL, second, NULL))
		return 1;
	pthread_join(t, NULL);
	return 0;
}
