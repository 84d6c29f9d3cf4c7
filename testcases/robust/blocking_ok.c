// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* go_blocking() orders its function with the goroutine that called it. */
#include <goroutine.h>
#include <unistd.h>

static int shared;

static intptr_t slow(void *arg)
{
	usleep(1000);
	shared += *(int *)arg;
	return shared;
}

int main(void)
{
	int by = 2;

	shared = 1;
	intptr_t got = go_blocking(slow, &by);
	shared++;
	return got != 3 || shared != 4;
}
