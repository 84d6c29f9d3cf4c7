/* SPDX-License-Identifier: Apache-2.0
 * test_inline.c: which lines become code, and that everything else stays as it is. */
#include "as/inline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char *inlined(const char *text)
{
	size_t n = 0;
	char *got = inline_hooks(text, strlen(text), &n), *copy;

	if (!got)
		return NULL;
	copy = strndup(got, n);
	free(got);
	return copy;
}

/* A call stays, once, and what is around it. Tables for parts of a granule come behind all. */
static void assert_replaced(const char *line, const char *call)
{
	char text[256], *got;

	snprintf(text, sizeof text, "f:\n\tmovq\t%%rbx, %%rdi\n%s\tret\n", line);
	got = inlined(text);
	assert_non_null(got);
	const char *at = strstr(got, call);
	assert_non_null(at);
	assert_null(strstr(at + strlen(call), "\t__tsan_"));
	assert_null(strstr(at + strlen(call), "\t*__tsan_"));
	assert_non_null(strstr(got, "__tsan_gosan_self_"));
	assert_int_equal(strncmp(got, "f:\n\tmovq\t%rbx, %rdi\n", 20), 0);
	char *tables = strstr(got, "\n\t.section\t.rodata.gosan_hot_ignored");
	if (tables)
		*tables = '\0';
	assert_string_equal(got + strlen(got) - 5, "\tret\n");
	free(got);
}

static void calls_of_hooks_are_replaced(void **state)
{
	(void)state;
	assert_replaced("\tcall\t__tsan_read8\n", "\tcall\t*__tsan_read8_pc@GOTPCREL(%rip)\n");
	assert_replaced("\tcallq\t__tsan_write1@PLT\n", "\tcall\t*__tsan_write1_pc@GOTPCREL(%rip)\n");
	assert_replaced("    call __tsan_volatile_read4@PLT # why\n",
			"\tcall\t*__tsan_read4_pc@GOTPCREL(%rip)\n");
	assert_replaced("\tcallq\t__tsan_read_write2@PLT\n", "\tcall\t*__tsan_write2_pc@GOTPCREL(%rip)\n");
	assert_replaced("\tcall\t__tsan_func_entry@PLT\n", "\tcall\t__tsan_func_entry@PLT\n");
	assert_replaced("\tcall\t__tsan_func_exit\n", "\tcall\t__tsan_func_exit\n");
	assert_replaced("\tjmp\t__tsan_func_exit@PLT\n", "\tjmp\t__tsan_func_exit@PLT\n");
}

static void others_are_not(void **state)
{
	static const char *const lines[] = {
		"\tcall\t__tsan_read16\n",
		"\tcall\t__tsan_unaligned_read8\n",
		"\tcall\t__tsan_atomic32_load\n",
		"\tcall\t__tsan_read8_pc\n",
		"\tcall\t*__tsan_read8@GOTPCREL(%rip)\n",
		"\tjmp\t__tsan_read8\n",
		"\tjmp\t__tsan_func_entry\n",
		"\tcall\tmy__tsan_read8\n",
		"#\tcall\t__tsan_read8\n",
		"\t.string\t\"call __tsan_read8\"\n",
		"\tcall\t__tsan_read8; nop\n",
		"\tcall__tsan_read8\n",
		"\tcall\t__tsan_read8",
		"",
	};

	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
		assert_null(inlined(lines[i]));
}

static void another_syntax_is_left_alone(void **state)
{
	(void)state;
	assert_null(inlined("\t.intel_syntax noprefix\n\tcall\t__tsan_read8\n"));
	assert_null(inlined("\tcall\t__tsan_read8\n\t.code32\n"));
}

/* Each piece of code has labels of its own. */
static void labels_are_unique(void **state)
{
	char *got = inlined("\tcall\t__tsan_read8\n\tcall\t__tsan_read8\n\tjmp\t__tsan_func_exit\n");

	(void)state;
	assert_non_null(got);
	for (const char *p = got; (p = strstr(p, "\n.Lgosan")) != NULL; p++) {
		char label[32];

		snprintf(label, sizeof label, "%.*s", (int)strcspn(p + 1, ":") + 2, p);
		assert_ptr_equal(strstr(got, label), p);
		assert_null(strstr(p + 1, label));
	}
	free(got);
}

/* Grows beyond the first buffer. */
static void large_files_are_whole(void **state)
{
	enum { CALLS = 20000 };
	static const char line[] = "\tcall\t__tsan_write4\n";
	char *text = malloc(CALLS * (sizeof line - 1) + 1), *got;
	size_t n = 0;

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < CALLS; i++)
		memcpy(text + i * (sizeof line - 1), line, sizeof line);
	got = inlined(text);
	assert_non_null(got);
	for (const char *p = got; (p = strstr(p, "__tsan_write4_pc@")) != NULL; p++)
		n++;
	assert_int_equal(n, CALLS);
	free(got);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_of_hooks_are_replaced),  cmocka_unit_test(others_are_not),
		cmocka_unit_test(another_syntax_is_left_alone), cmocka_unit_test(labels_are_unique),
		cmocka_unit_test(large_files_are_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
