// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// RUNTIME: none
/* What is ordered beside the part that is ignored stays ordered: before it, after it, by the lock that was taken in it
 * and given back behind it, and by the join. */
#include "annotate.h"

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER, other = PTHREAD_MUTEX_INITIALIZER;
static int shared, mine;

static void *deaf(void *arg)
{
	AnnotateIgnoreSyncBegin(__FILE__, __LINE__);
	pthread_mutex_lock(&other);
	pthread_mutex_unlock(&other);
	pthread_mutex_lock(&mu);
	AnnotateIgnoreSyncEnd(__FILE__, __LINE__);
	pthread_mutex_unlock(&mu);
	pthread_mutex_lock(&mu);
	shared++;
	pthread_mutex_unlock(&mu);
	AnnotateIgnoreSyncBegin(__FILE__, __LINE__);
	mine++;
	return arg;
}

int main(void)
{
	pthread_t t;

	pthread_mutex_lock(&mu);
	shared++;
	pthread_mutex_unlock(&mu);
	if (pthread_create(&t, NULL, deaf, NULL))
		return 1;
	pthread_mutex_lock(&mu);
	shared++;
	pthread_mutex_unlock(&mu);
	pthread_join(t, NULL);
	return shared + mine == 4 ? 0 : 3;
}
