// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// FLAGS: -Wno-infinite-recursion
/* longjmp leaves frames without returning from them; the reports' stacks and the verdict stay right. */
#include <goroutine.h>
#include <setjmp.h>

static __attribute__((noinline)) void fail(jmp_buf *env, int n)
{
	if (n == 0)
		longjmp(*env, 1);
	fail(env, n - 1);
	__asm__ volatile("");
}

static void attempt(go_chan(int) out)
{
	jmp_buf env;
	volatile int tries = 0;

	if (setjmp(env) == 0 || tries < 200) {
		tries++;
		fail(&env, 10);
	}
	go_send(out, tries);
}

int main(void)
{
	go_chan(int) out = go_make(int, 0);

	go(attempt, out);
	go(attempt, out);
	return go_recv(out) + go_recv(out) != 400;
}
