// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* A zeroed mutex at an address where another one lived before is a new mutex, not a copy. */
#include <goroutine.h>

static __attribute__((noinline)) int locked_sum(int a, int b)
{
	go_mutex mu = {0};

	go_mutex_lock(&mu);
	int sum = a + b;
	go_mutex_unlock(&mu);
	return sum;
}

int main(void)
{
	int sum = 0;

	for (int i = 0; i < 10; i++)
		sum = locked_sum(sum, i);
	return sum != 45;
}
