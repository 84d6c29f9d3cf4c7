// SPDX-License-Identifier: Apache-2.0
// BUILD: gcc-tsan-library
// EXPECT: GS101 data-race
// OBJECT: library_counter
// FUNCTIONS: library_count
/* Only a shared library that the program is linked with was built with ThreadSanitizer. */
#include <pthread.h>

void *library_count(void *arg);

#ifdef LIBRARY
static int library_counter;

void *library_count(void *arg)
{
	library_counter++;
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
