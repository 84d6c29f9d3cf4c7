// SPDX-License-Identifier: Apache-2.0
// BUILD: gcc-tsan clang-tsan-shared
// EXPECT: clean
// EXPECT-OUTPUT: ordered
// | 2
// NEVER: ThreadSanitizer
/* Linked with a shared ThreadSanitizer runtime: taken over as it is. Conditions and realpath are among the functions
 * whose oldest version in libc is another one. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static pthread_mutex_t lock;
static pthread_cond_t both;
static int ready, counter;

static void *worker(void *arg)
{
	pthread_mutex_lock(&lock);
	ready++;
	pthread_cond_broadcast(&both);
	while (ready < 2)
		pthread_cond_wait(&both, &lock);
	counter++;
	pthread_mutex_unlock(&lock);
	return arg;
}

int main(void)
{
	char *here = realpath("/", NULL);
	pthread_t t[2];

	pthread_mutex_init(&lock, NULL);
	pthread_cond_init(&both, NULL);
	for (int i = 0; i < 2; i++)
		if (pthread_create(&t[i], NULL, worker, NULL))
			return 1;
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	pthread_cond_destroy(&both);
	pthread_mutex_destroy(&lock);
	free(here);
	printf("%d\n", counter);
	return here == NULL;
}
