// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// FUNCTIONS: set_it attempt
// NEVER: fail
/* After a longjmp the stack of an access has no frame of the function that was left. */
#include <goroutine.h>
#include <setjmp.h>

int shared;

static __attribute__((noinline)) void fail(jmp_buf *env)
{
	longjmp(*env, 1);
}

static __attribute__((noinline)) void set_it(void)
{
	shared = 1;
	__asm__ volatile("");
}

static void attempt(go_waitgroup *wg)
{
	jmp_buf env;

	if (setjmp(env) == 0)
		fail(&env);
	set_it();
	go_waitgroup_done(wg);
}

int main(void)
{
	go_waitgroup wg = {0};

	go_waitgroup_add(&wg, 2);
	go(attempt, &wg);
	go(attempt, &wg);
	go_waitgroup_wait(&wg);
}
