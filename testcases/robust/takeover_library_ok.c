// SPDX-License-Identifier: Apache-2.0
// BUILD: gcc-tsan-library
// EXPECT: clean
/* Only a shared library that the program is linked with was built with ThreadSanitizer; it locks. */
#include <pthread.h>

void *library_count(void *arg);

#ifdef LIBRARY
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int library_counter;

void *library_count(void *arg)
{
	pthread_mutex_lock(&lock);
	library_counter++;
	pthread_mutex_unlock(&lock);
	return arg;
}
#else
int main(void)
{
	pthread_t t[2];

	for (int i = 0; i < 2; i++)
		if (pthread_create(&t[i], NULL, library_count, NULL))
			return 1;
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
}
#endif
