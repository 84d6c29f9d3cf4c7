// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// OBJECT: value
// FUNCTIONS: fiber_main
// MATCH: reader of values
// RUNTIME: none
/* A thread goes on as a fiber and says that this orders nothing: then the fiber's accesses race with the thread's. */
#include "annotate.h"

#include <ucontext.h>

enum { NO_SYNC = 1 };

static ucontext_t home, away;
static void *home_fiber;
static int value;
static char stack[64 * 1024];

static void fiber_main(void)
{
	value++;
	__tsan_switch_to_fiber(home_fiber, NO_SYNC);
	swapcontext(&away, &home);
}

int main(void)
{
	void *fiber;

	home_fiber = __tsan_get_current_fiber();
	fiber = __tsan_create_fiber(0);
	__tsan_set_fiber_name(fiber, "reader of values");
	getcontext(&away);
	away.uc_stack.ss_sp = stack;
	away.uc_stack.ss_size = sizeof stack;
	makecontext(&away, fiber_main, 0);
	value = 1;
	__tsan_switch_to_fiber(fiber, NO_SYNC);
	swapcontext(&home, &away);
	__tsan_destroy_fiber(fiber);
	return value != 2;
}
