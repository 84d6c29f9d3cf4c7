// SPDX-License-Identifier: Apache-2.0
/* Two counters and a lock. visits_count() has read without the lock for years: the old race. */
#include "visits.h"

#include <goroutine.h>

static go_mutex lock;
static long count, last;

void visits_note(long visitor)
{
#ifdef NEW_RACE
	last = visitor;
#endif
	go_mutex_lock(&lock);
	count++;
#ifndef NEW_RACE
	last = visitor;
#endif
	go_mutex_unlock(&lock);
}

long visits_count(void)
{
#ifdef OLD_RACE_REPAIRED
	go_mutex_lock(&lock);
	long n = count;
	go_mutex_unlock(&lock);
	return n;
#else
	return count;
#endif
}

long visits_last(void)
{
	go_mutex_lock(&lock);
	long visitor = last;
	go_mutex_unlock(&lock);
	return visitor;
}
