// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* The lock is given back before the call. */
#include <goroutine.h>

static go_mutex mu;
static int count;

static __attribute__((noinline)) void inner(void)
{
	go_mutex_lock(&mu);
	count++;
	go_mutex_unlock(&mu);
}

static __attribute__((noinline)) void outer(void)
{
	go_mutex_lock(&mu);
	go_mutex_unlock(&mu);
	inner();
}

int main(void)
{
	outer();
}
