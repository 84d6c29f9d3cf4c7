// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// EXPECT-OUTPUT: ordered
// | 2000
// RUNTIME: none
/* A thousand fibers, one after the other and each switched to twice: every switch orders. */
#include "annotate.h"

#include <stdio.h>
#include <ucontext.h>

static ucontext_t home, away;
static void *home_fiber, *fiber;
static int value;
static char stack[64 * 1024];

static void turn_back(void)
{
	__tsan_switch_to_fiber(home_fiber, 0);
	swapcontext(&away, &home);
}

static void fiber_main(void)
{
	value++;
	turn_back();
	value++;
	turn_back();
}

static void turn_away(void)
{
	__tsan_switch_to_fiber(fiber, 0);
	swapcontext(&home, &away);
}

int main(void)
{
	home_fiber = __tsan_get_current_fiber();
	for (int i = 0; i < 1000; i++) {
		fiber = __tsan_create_fiber(0);
		getcontext(&away);
		away.uc_stack.ss_sp = stack;
		away.uc_stack.ss_size = sizeof stack;
		makecontext(&away, fiber_main, 0);
		turn_away();
		value += 0;
		turn_away();
		__tsan_destroy_fiber(fiber);
	}
	printf("%d\n", value);
}
