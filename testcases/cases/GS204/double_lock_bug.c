// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS204 double-lock
// OBJECT: mu
// EXIT: 2
// GRADE: proved
// FUNCTIONS: outer inner
/* A function that holds the lock calls one that takes it. */
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
	inner();
	go_mutex_unlock(&mu);
}

int main(void)
{
	outer();
}
