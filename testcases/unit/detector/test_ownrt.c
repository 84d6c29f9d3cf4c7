/* SPDX-License-Identifier: Apache-2.0
 * test_ownrt.c: a runtime is recognised in images made by hand, and broken images are survived. That real ones are
 * recognised is shown by the case takeover_refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <elf.h>
#include <link.h>
#include <cmocka.h>

#include "ownrt.h"

/* A file of one symbol table and what else it holds. */
struct file {
	ElfW(Ehdr) eh;
	ElfW(Shdr) sh[3]; /* none, symbols, their names */
	ElfW(Sym) sym[2];
	char names[32];
	char data[96];
};

static struct file sample(unsigned table, const char *name, unsigned section)
{
	struct file f = {.eh = {.e_shoff = offsetof(struct file, sh), .e_shnum = 3}};

	f.sh[1] = (ElfW(Shdr)){.sh_type = table,
			       .sh_offset = offsetof(struct file, sym),
			       .sh_size = sizeof f.sym,
			       .sh_link = 2};
	f.sh[2] = (ElfW(Shdr)){
		.sh_type = SHT_STRTAB, .sh_offset = offsetof(struct file, names), .sh_size = sizeof f.names};
	f.sym[1] = (ElfW(Sym)){.st_name = 1, .st_shndx = (ElfW(Section))section};
	strcpy(f.names + 1, name);
	return f;
}

static void by_its_symbols(void **state)
{
	struct file f = sample(SHT_SYMTAB, "__tsan_init", 5);

	(void)state;
	assert_true(gosan_ownrt_in(&f, sizeof f));
	f = sample(SHT_DYNSYM, "__tsan_init", 5);
	assert_true(gosan_ownrt_in(&f, sizeof f));
	f = sample(SHT_SYMTAB, "__tsan_init", SHN_UNDEF); /* it only calls */
	assert_false(gosan_ownrt_in(&f, sizeof f));
	f = sample(SHT_SYMTAB, "__tsan_init2", 5);
	assert_false(gosan_ownrt_in(&f, sizeof f));
}

static void by_what_it_says(void **state)
{
	static const char text[] = "ThreadSanitizer\0FATAL: %s: unexpected memory mapping";
	struct file f = sample(SHT_DYNSYM, "main", 5);

	(void)state;
	memcpy(f.data, text, sizeof text);
	assert_true(gosan_ownrt_in(&f, sizeof f));
	f = sample(SHT_SYMTAB, "main", 5); /* the full table knows better */
	memcpy(f.data, text, sizeof text);
	assert_false(gosan_ownrt_in(&f, sizeof f));
	f = sample(SHT_DYNSYM, "main", 5); /* a program that speaks of it */
	memcpy(f.data, text, 16);
	assert_false(gosan_ownrt_in(&f, sizeof f));
}

/* Each in a block of exactly its size, so that AddressSanitizer sees a read beyond it. */
static void expect_nothing(const struct file *f, size_t size)
{
	void *copy = malloc(size);

	assert_non_null(copy);
	memcpy(copy, f, size);
	assert_false(gosan_ownrt_in(copy, size));
	free(copy);
}

static void broken_files(void **state)
{
	struct file f = sample(SHT_SYMTAB, "__tsan_init", 5);

	(void)state;
	for (size_t size = 0; size < offsetof(struct file, names) + 12; size++)
		expect_nothing(&f, size);
	f.sh[1].sh_link = 7;
	expect_nothing(&f, sizeof f);
	f = sample(SHT_SYMTAB, "__tsan_init", 5);
	f.sh[2].sh_size = UINT64_MAX;
	expect_nothing(&f, sizeof f);
	f = sample(SHT_SYMTAB, "__tsan_init", 5);
	f.sh[2].sh_size = 12; /* no NUL at its end */
	expect_nothing(&f, sizeof f);
	f = sample(SHT_SYMTAB, "__tsan_init", 5);
	f.sym[1].st_name = 4000;
	expect_nothing(&f, sizeof f);
	f = sample(SHT_SYMTAB, "__tsan_init", 5);
	f.eh.e_shoff = UINT64_MAX - 8;
	expect_nothing(&f, sizeof f);
	assert_false(gosan_ownrt_at("/nonexistent"));
	assert_false(gosan_ownrt_at("/dev/null"));
	assert_false(gosan_ownrt_at("/proc/self/exe"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_its_symbols),
		cmocka_unit_test(by_what_it_says),
		cmocka_unit_test(broken_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
