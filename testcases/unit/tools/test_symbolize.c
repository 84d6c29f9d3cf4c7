/* SPDX-License-Identifier: Apache-2.0
 * This program symbolizes itself: functions, inlined calls, variables, members, locals. */
#include "sample.h"

#include "source.h"
#include "symbolize.h"

#include <link.h>
#include <pthread.h>

/* Names, inlining and layout below are what the tests expect. */
struct inner {
	long hits;
	int slots[4];
};
struct cache {
	int refs;
	struct inner in[2];
	unsigned low : 3, high : 9;
	pthread_mutex_t mu;
};
struct cache the_cache;
static int lonely;
static struct message {
	int n;
	char text[];
} * the_message;
struct row {
	int *ids;
};
static struct table {
	struct row *rows[4];
	char *bytes;
} the_table;
static uintptr_t inlined_pc;

static inline __attribute__((always_inline)) void capture(int *p)
{
	*p += 1;
	asm volatile("lea 0(%%rip), %0" : "=r"(inlined_pc) : : "memory");
	*p += 1;
}

static __attribute__((noinline)) void outer_function(void)
{
	capture(&lonely);
}

static __attribute__((noinline)) uintptr_t caller_pc(void)
{
	return (uintptr_t)__builtin_return_address(0);
}

static __attribute__((noinline)) uintptr_t with_locals(struct cache *arg)
{
	struct cache *local = arg;
	int here = arg->refs;
	uintptr_t pc = caller_pc();

	asm volatile("" : : "r"(&here), "r"(&local), "r"(&the_message), "r"(&the_table) : "memory");
	return pc + (uintptr_t)(here - here);
}

static int first_object(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct module *m = arg;

	(void)size;
	m->base = info->dlpi_addr;
	m->start = UINTPTR_MAX;
	for (int i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_LOAD) {
			uintptr_t lo = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;

			m->start = lo < m->start ? lo : m->start;
			m->end = lo + info->dlpi_phdr[i].p_memsz;
		}
	return 1;
}

static char self[4096];
static struct module module;
static struct process process = {.n_modules = 1, .modules = &module};
static struct arena *arena;
static struct symbolizer *z;

static int set_up(void **state)
{
	(void)state;
	assert_true(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
	dl_iterate_phdr(first_object, &module);
	module.path = self;
	module.build_id = "";
	arena = arena_new();
	z = symbolize_new(arena);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	symbolize_free(z);
	source_forget();
	arena_free(arena);
	return 0;
}

static void inlined_frames(void **state)
{
	struct stack st = {.n_pcs = 1, .pcs = &(uint64_t){0}};

	(void)state;
	outer_function();
	st.pcs[0] = inlined_pc + 1;
	symbolize_stack(z, &process, &st);
	assert_true(st.n >= 2);
	assert_string_equal(st.frames[0].function, "capture");
	assert_true(st.frames[0].inlined);
	assert_string_equal(st.frames[1].function, "outer_function");
	assert_false(st.frames[1].inlined);
	assert_non_null(strstr(st.frames[0].file, "test_symbolize.c"));
	assert_int_equal(st.frames[0].file[0], '/');
	const char *line = source_line(arena, st.frames[1].file, st.frames[1].line);
	assert_non_null(line);
	assert_non_null(strstr(line, "capture(&lonely)"));
}

static const char *variable(const void *p, uint64_t size)
{
	return symbolize_variable(z, &process, (uintptr_t)p, size);
}

static void variables_and_members(void **state)
{
	(void)state;
	assert_string_equal(variable(&lonely, 4), "lonely");
	assert_string_equal(variable(&the_cache, sizeof the_cache), "the_cache");
	assert_string_equal(variable(&the_cache.refs, 4), "the_cache.refs");
	assert_string_equal(variable(&the_cache.in[1].slots[2], 4), "the_cache.in[1].slots[2]");
	assert_string_equal(variable(&the_cache.in[1], sizeof(struct inner)), "the_cache.in[1]");
	assert_string_equal(variable(&the_cache.mu, 0), "the_cache.mu");
	assert_string_equal(variable((char *)&the_cache.mu - 8, 4), "the_cache.low");
	assert_null(variable((void *)16, 4));
}

/* What `name` leads to at pc, at an offset of a block; bytes: whether they have no type. */
static const char *pointee(uintptr_t pc, const char *name, uint64_t offset, uint64_t size, uint64_t block,
			   bool bytes)
{
	struct object o = {.alloc_offset = (int64_t)offset, .size = size, .block_size = block};
	bool got = false;
	const char *path = symbolize_pointee(z, &process, pc, name, &o, &got);

	assert_int_equal(got, bytes);
	return path;
}

static void locals(void **state)
{
	uintptr_t pc = with_locals(&the_cache);

	(void)state;
	assert_int_equal(symbolize_local_size(z, &process, pc, "here"), 4);
	assert_int_equal(symbolize_local_size(z, &process, pc, "nothing"), 0);
	assert_string_equal(pointee(pc, "arg", offsetof(struct cache, in[1].hits), 8, 0, false),
			    ".in[1].hits");
	assert_string_equal(pointee(pc, "arg", sizeof(struct cache), 4, 0, false), "[1].refs");
	assert_null(pointee(pc, "here", 0, 4, 0, false));
}

/* Of a block with room for two, the first has an index, too; a struct that ends in an array is one struct. */
static void blocks(void **state)
{
	uintptr_t pc = with_locals(&the_cache);
	size_t two = 2 * sizeof(struct cache);

	(void)state;
	assert_string_equal(pointee(pc, "arg", 0, 4, two, false), "[0].refs");
	assert_string_equal(pointee(pc, "arg", 0, 4, two - 1, false), ".refs");
	assert_string_equal(pointee(pc, "the_message", 4, 1, 100, false), ".text[0]");
	assert_string_equal(pointee(pc, "the_message", 13, 1, 100, false), ".text[9]");
	assert_string_equal(pointee(pc, "the_message", 0, 4, 100, false), ".n");
	assert_string_equal(pointee(pc, "the_table.rows[3]->ids", 8, 4, 100, false), "[2]");
	assert_string_equal(pointee(pc, "the_table.bytes", 8, 4, 100, true), "[8]");
	assert_null(pointee(pc, "the_table.nothing", 8, 4, 100, false));
	assert_null(pointee(pc, "the_table.rows[", 8, 4, 100, false));
	assert_null(pointee(pc, "*arg", 8, 4, 100, false));
	assert_null(pointee(pc, "", 8, 4, 100, false));
}

/* No module, no name: the address stays. */
static void unknown_addresses(void **state)
{
	struct frame f = symbolize_pc(z, &process, 0x10);

	(void)state;
	assert_string_equal(f.function, "");
	assert_string_equal(f.module, "");
	assert_int_equal(f.pc, 0x10);
	assert_false(symbolize_in_module(&process, 0x10));
}

/* A program that was rebuilt since: names from the new file would be wrong. */
static void other_build_id(void **state)
{
	struct module other = module;
	struct process p = {.n_modules = 1, .modules = &other};

	(void)state;
	other.build_id = "00112233445566778899";
	other.tried = false;
	other.symbols = NULL;
	struct frame f = symbolize_pc(z, &p, (uintptr_t)outer_function + 1);
	assert_true(*f.function == '\0' || strcmp(f.function, "outer_function") == 0);
	assert_true(f.offset > 0);
}

static void names_in_statements(void **state)
{
	static const struct {
		const char *line, *assigned, *argument, *address;
	} t[] = {
		{"\tgo_chan(int) jobs = go_make(int, 3);", "jobs", NULL, NULL},
		{"s->jobs = go_make(int, 3);", "s->jobs", NULL, NULL},
		{"p = (struct x *)malloc(4);", "p", NULL, NULL},
		{"  .done = go_make(go_unit, 0),", "done", NULL, NULL},
		{"go_mutex_lock(&c->mu);", NULL, "c->mu", "c"},
		{"if (x == 1) go_waitgroup_done(wg);", NULL, "wg", NULL},
		{"pthread_mutex_lock(&a[f(1, 2)].mu);", NULL, "a[f(1, 2)].mu", "a"},
		{"go(worker, &i, a && b);", NULL, NULL, "i"},
		{"go_range(v, jobs) {", NULL, "jobs", NULL},
		{"x = 1;", NULL, NULL, NULL},
		{"", NULL, NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		const char *got[] = {source_assigned(arena, t[i].line),
				     source_sync_argument(arena, t[i].line),
				     source_address_of(arena, t[i].line, 0)};
		const char *want[] = {t[i].assigned, t[i].argument, t[i].address};

		for (size_t k = 0; k < 3; k++)
			if ((got[k] == NULL) != (want[k] == NULL) || (got[k] && strcmp(got[k], want[k]) != 0))
				fail_msg("'%s' %zu: got %s", t[i].line, k, got[k] ? got[k] : "nothing");
	}
	assert_string_equal(source_last_component("c->pool[3].mu"), "mu");
}

static void names_by_column(void **state)
{
	const char *line = "\tgo_chan(int) a = go_make(int, 0), b = go_make(int, 0), s->c = go_make(int, 1);";

	(void)state;
	assert_string_equal(source_assigned_at(arena, line, 0), "a");
	assert_string_equal(source_assigned_at(arena, line, 19), "a");
	assert_string_equal(source_assigned_at(arena, line, 40), "b");
	assert_string_equal(source_assigned_at(arena, line, 63), "s->c");
	assert_null(source_assigned_at(arena, "go_make(int, 0);", 1));
	assert_null(source_assigned_at(arena, NULL, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inlined_frames),
		cmocka_unit_test(variables_and_members),
		cmocka_unit_test(locals),
		cmocka_unit_test(blocks),
		cmocka_unit_test(unknown_addresses),
		cmocka_unit_test(other_build_id),
		cmocka_unit_test(names_in_statements),
		cmocka_unit_test(names_by_column),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
