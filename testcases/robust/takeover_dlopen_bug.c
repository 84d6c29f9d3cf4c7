// SPDX-License-Identifier: Apache-2.0
// BUILD: gcc-tsan-dlopen
// EXPECT: GS101 data-race
// OBJECT: library_counter
// FUNCTIONS: library_count
/* Only a plug-in was built with ThreadSanitizer. */
#include <dlfcn.h>
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
	void *plugin = dlopen(PLUGIN, RTLD_NOW);
	void *(*count)(void *) = plugin ? (void *(*)(void *))dlsym(plugin, "library_count") : NULL;
	pthread_t t[2];

	if (!count)
		return 1;
	for (int i = 0; i < 2; i++)
		if (pthread_create(&t[i], NULL, count, NULL))
			return 1;
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
}
#endif
