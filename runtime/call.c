/* SPDX-License-Identifier: Apache-2.0
 *
 * call.c: calls kept as words: how goroutine.h's macros capture them, and the go statement.
 *
 * Both processor families pass the first six integer or pointer arguments in registers of their own, and
 * a callee ignores those that it doesn't know. So one function of six words can stand in for every
 * function that go() accepts, and keep what the real one would have received.
 */
#include "waitq.h"

static __thread __attribute__((tls_model("initial-exec"))) struct {
	uintptr_t w[6];
	bool fresh;
} captured;

static __attribute__((noinline)) void capture(uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d, uintptr_t e,
					      uintptr_t f)
{
	captured.w[0] = a, captured.w[1] = b, captured.w[2] = c;
	captured.w[3] = d, captured.w[4] = e, captured.w[5] = f;
	captured.fresh = true;
}

void (*const go_capture_)(void) = (void (*)(void))capture;

/* No switch lies between the capture and this, so both see the same thread. */
__attribute__((noinline)) void go_captured_(struct go_call *call)
{
	if (!captured.fresh)
		go_panic("go %s: the compiler dropped the call; is the function declared pure or const?",
			 call->name);
	captured.fresh = false;
	for (size_t i = 0; i < 6; i++)
		call->w[i] = captured.w[i];
}

void go_spawn_(const struct go_call *call)
{
	go__self();
	int err = go__spawn(call);
	if (err < 0)
		go_panic("go %s: cannot start a goroutine: error %d", call->name, -err);
}

__thread unsigned go__unparked __attribute__((tls_model("initial-exec")));

/* A timer's callback has nothing to give. */
__attribute__((noinline)) void go__give_way(void)
{
	if (go__self() != NULL)
		go_yield();
}
