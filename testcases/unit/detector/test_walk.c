/* SPDX-License-Identifier: Apache-2.0
 * test_walk.c: frames by rules are the frames that libgcc's unwinder finds, in every shape that compilers give them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <alloca.h>
#include <execinfo.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <cmocka.h>

#include "cfi.h"
#include "engine.h"
#include "walk.h"

#define FRAMES 48

extern void *__libc_stack_end;

static struct gosan_walked got[FRAMES];
static void *all[FRAMES], **want = all; /* want: without the frames of compare() and backtrace() */
static int n_got, n_want, n_slots;

/* From the caller outward, both ways. */
static __attribute__((noinline)) void compare(void)
{
	const uintptr_t *fp = __builtin_frame_address(0);

	n_got = gosan_walk((struct gosan_walked){fp[1], (uintptr_t)(fp + 2), fp[0]}, got, FRAMES);
	n_want = backtrace(all, FRAMES);
	for (want = all; n_want > 0 && (uintptr_t)want[0] != got[0].pc; want++)
		n_want--;
	n_slots = 0;
	for (int i = 1; i < n_got; i++)
		n_slots += *(const uintptr_t *)(got[i].sp - sizeof(uintptr_t)) == got[i].pc;
}

/* What libgcc shows may go on where a walk ends: before main. */
static void assert_same(int at_least)
{
	assert_true(n_got >= at_least);
	assert_true(n_want >= n_got);
	for (int i = 0; i < n_got; i++)
		assert_ptr_equal((void *)got[i].pc, want[i]);
	assert_int_equal(n_slots, n_got - 1);
}

static int sink;

static __attribute__((noinline)) void plain(int depth)
{
	if (depth)
		plain(depth - 1);
	else
		compare();
	sink++; /* no tail call */
}

/* A frame whose size nobody knows beforehand needs a frame pointer. */
static __attribute__((noinline)) void variable(size_t n)
{
	char *p = alloca(n);

	memset(p, (int)n, n);
	compare();
	sink += p[n / 2];
}

/* A frame that is aligned more than its caller's. */
static __attribute__((noinline)) void aligned(int depth)
{
	_Alignas(64) volatile char a[64];

	a[depth] = 1;
	plain(depth);
	sink += a[depth];
}

static void shapes(void **state)
{
	(void)state;
	plain(0);
	assert_same(4);
	plain(9);
	assert_same(12);
	variable(100);
	assert_same(4);
	variable(5000);
	assert_same(4);
	aligned(3);
	assert_same(7);
}

/* qsort stands between: code of another module. */
static int order(const void *a, const void *b)
{
	compare();
	return *(const int *)a - *(const int *)b;
}

static void through_libc(void **state)
{
	int two[] = {2, 1};

	(void)state;
	qsort(two, 2, sizeof *two, order);
	assert_same(5);
}

static void on_signal(int sig)
{
	(void)sig;
	compare();
	sink++;
}

/* The interrupted frame is no call: its pc is not one past anything. */
static void in_a_handler(void **state)
{
	int interrupted = 0;

	(void)state;
	signal(SIGUSR1, on_signal);
	raise(SIGUSR1);
	assert_true(n_got > 4);
	for (int i = 0; i < n_got; i++)
		assert_ptr_equal((void *)got[i].pc, want[i]);
	for (int i = 0; i < n_got; i++)
		interrupted += gosan_cfi_rule(got[i].pc - 1).kind == GOSAN_CFI_SIGNAL;
	assert_int_equal(interrupted, 1);
}

static char other[65536] __attribute__((aligned(64)));
static struct sigaction act = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};

/* Where that stack ends is not known: nothing is read there. */
static void on_another_stack(void **state)
{
	stack_t s = {.ss_sp = other, .ss_size = sizeof other}, before;

	(void)state;
	sigaltstack(&s, &before);
	sigaction(SIGUSR2, &act, NULL);
	raise(SIGUSR2);
	assert_int_equal(n_got, -1);
	sigaltstack(&before, NULL);
}

static void *thread(void *arg)
{
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);

	plain(2);
	assert_int_equal(n_got, -1);
	gosan_walk_stack(here - 65536, here + 8);
	plain(2); /* a frame that would lie above what is known of the stack */
	assert_int_equal(n_got, -1);
	gosan_walk_stack(here - 65536, (uintptr_t)arg);
	return NULL;
}

static void a_thread_of_its_own(void **state)
{
	pthread_t t;
	uintptr_t none = 0;

	(void)state;
	assert_int_equal(pthread_create(&t, NULL, thread, (void *)none), 0);
	assert_int_equal(pthread_join(t, NULL), 0);
}

/* A stack of our making: code that no module holds, by its frame pointers, and no further than they make sense. */
static void code_without_a_rule(void **state)
{
	static uintptr_t words[32] __attribute__((aligned(16)));
	const uintptr_t code = (uintptr_t)&words; /* data: no rule for sure */
	struct gosan_walked f = {code, (uintptr_t)&words[2], (uintptr_t)&words[6]};
	struct gosan_walked r[8];

	(void)state;
	assert_int_equal(gosan_cfi_rule(64).kind, GOSAN_CFI_NOWHERE);
	words[6] = (uintptr_t)&words[12];
	words[7] = code + 100;
	words[12] = (uintptr_t)&words[10]; /* inward: the end */
	words[13] = code + 200;
	gosan_walk_stack((uintptr_t)words, (uintptr_t)(words + 32));
	assert_int_equal(gosan_walk(f, r, 8), 3);
	assert_int_equal(r[1].pc, code + 100);
	assert_int_equal(r[2].pc, code + 200);
	words[13] = 7; /* no code there, and none like ours */
	assert_int_equal(gosan_walk(f, r, 8), 2);
	f.fp = (uintptr_t)words + sizeof words + 64; /* outside */
	assert_int_equal(gosan_walk(f, r, 8), 1);
	f.fp++;
	assert_int_equal(gosan_walk(f, r, 8), 1);
	gosan_walk_main_stack((uintptr_t)__libc_stack_end);
}

static void after_forgetting(void **state)
{
	(void)state;
	gosan_cfi_forget();
	plain(3);
	assert_same(6);
	plain(3);
	assert_same(6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shapes),
		cmocka_unit_test(through_libc),
		cmocka_unit_test(in_a_handler),
		cmocka_unit_test(on_another_stack),
		cmocka_unit_test(a_thread_of_its_own),
		cmocka_unit_test(code_without_a_rule),
		cmocka_unit_test(after_forgetting),
	};

	if (!gosan_cfi_init()) {
		print_message("this libc tells nothing of its modules\n");
		return 77;
	}
	gosan_walk_main_stack((uintptr_t)__libc_stack_end);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
