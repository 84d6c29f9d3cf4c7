/* SPDX-License-Identifier: Apache-2.0
 *
 * parked.c: goroutines in known places, for the test of gdb's commands. It stops at marker().
 */
#include <goroutine.h>

static go_mutex mu;
static go_waitgroup wg;

static __attribute__((noinline)) void inner(go_chan(int) ch, int depth)
{
	volatile int here = depth;
	go_recv(ch);
	here = here + 1;
}

static __attribute__((noinline)) void outer(go_chan(int) ch)
{
	go_set_name("reader");
	inner(ch, 42);
	__asm__ volatile("");
}

static void locker(void)
{
	go_mutex_lock(&mu);
	go_mutex_unlock(&mu);
}

static __attribute__((noinline)) void marker(go_chan(int) ch)
{
	__asm__ volatile("" ::"r"(ch) : "memory");
}

int main(void)
{
	go_chan(int) ch = go_make(int, 0);
	go_set_procs(1);
	go_mutex_lock(&mu);
	go_waitgroup_add(&wg, 3);
	go(outer, ch);
	go(locker);
	for (int i = 0; i < 10; i++)
		go_yield();
	marker(ch);
	return 0;
}
