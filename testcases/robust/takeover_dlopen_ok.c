// SPDX-License-Identifier: Apache-2.0
// BUILD: gcc-tsan-dlopen
// EXPECT: clean
/* Only a plug-in was built with ThreadSanitizer; it locks. */
#include <dlfcn.h>
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
