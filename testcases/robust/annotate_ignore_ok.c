// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// RUNTIME: none
/* Accesses that the program asks to ignore don't count, nor those that it declares harmless; a lock that is taken
 * while they are ignored orders what comes after. */
#include "annotate.h"

static int ignored, read_only_here, harmless, ordered;
static char many[64];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *worker(void *arg)
{
	__tsan_ignore_thread_begin();
	pthread_mutex_lock(&lock);
	__tsan_ignore_thread_begin(); /* they nest */
	ignored++;
	__tsan_ignore_thread_end();
	ignored++;
	__tsan_ignore_thread_end();
	ordered++;
	pthread_mutex_unlock(&lock);
	AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
	ordered = 1 + (read_only_here == 5) * 0;
	AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
	harmless++;
	many[63] = 1;
	return arg;
}

int main(void)
{
	pthread_t t;

	AnnotateBenignRace(__FILE__, __LINE__, &harmless, "a statistic");
	AnnotateBenignRaceSized(__FILE__, __LINE__, many, sizeof many, "flags that are only ever set");
	pthread_mutex_lock(&lock);
	if (pthread_create(&t, NULL, worker, NULL))
		return 1;
	ordered = 1;
	pthread_mutex_unlock(&lock);
	ignored = 7;
	read_only_here = 5;
	harmless++;
	many[63] = 1;
	pthread_join(t, NULL);
}
