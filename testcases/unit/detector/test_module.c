/* SPDX-License-Identifier: Apache-2.0
 * test_module.c: the table of modules of this very program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <dlfcn.h>
#include <stdio.h>
#include <cmocka.h>

#include "module.h"

static void this_program(void **state)
{
	const struct gosan_module *m = gosan_module_find((uintptr_t)this_program);

	(void)state;
	assert_non_null(m);
	assert_int_equal(m->path[0], '/');
	assert_non_null(strstr(m->path, "test_module"));
	assert_int_equal(m->kind, GOSAN_MODULE_PROGRAM);
	assert_true(m->start <= (uintptr_t)this_program && (uintptr_t)this_program < m->end);
	assert_ptr_equal(gosan_module_find((uintptr_t)state), NULL); /* the stack */
}

static void libc_is_libc(void **state)
{
	const struct gosan_module *m = gosan_module_find((uintptr_t)dlsym(RTLD_NEXT, "gnu_get_libc_version"));

	(void)state;
	assert_non_null(m);
	assert_int_equal(m->kind, GOSAN_MODULE_LIBC);
	assert_false(m->instrumented);
}

static void the_list_is_sorted(void **state)
{
	size_t n, has_id = 0;
	const struct gosan_module *m = gosan_module_list(&n);

	(void)state;
	assert_true(n >= 3);
	for (size_t i = 0; i < n; i++) {
		assert_true(m[i].start < m[i].end);
		assert_true(i == 0 || m[i - 1].end <= m[i].start);
		has_id += strlen(m[i].build_id) == 40;
	}
	assert_true(has_id > 0);
}

/* A library that comes later is found, and stays known after it went. */
static void dlopen_is_noticed(void **state)
{
	static const char *const names[] = {"libz.so.1", "libbz2.so.1.0", "liblzma.so.5", "libgcc_s.so.1"};
	const struct gosan_module *m;
	uintptr_t addr;
	void *lib = NULL;

	(void)state;
	for (size_t i = 0; !lib && i < sizeof(names) / sizeof(names[0]); i++)
		if (!dlopen(names[i], RTLD_NOW | RTLD_NOLOAD))
			lib = dlopen(names[i], RTLD_NOW);
	if (!lib)
		skip();
	addr = *(uintptr_t *)lib; /* struct link_map begins with the load bias */
	m = gosan_module_find(addr);
	assert_non_null(m);
	assert_int_equal(m->base, addr);
	dlclose(lib);
	assert_non_null(gosan_module_find(addr));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(this_program),
		cmocka_unit_test(libc_is_libc),
		cmocka_unit_test(the_list_is_sorted),
		cmocka_unit_test(dlopen_is_noticed),
	};

	if (gosan_module_init())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
