/* SPDX-License-Identifier: Apache-2.0
 * What of a compiler's command line belongs to which step. */
#include "sample.h"

#include "ccargs.h"

/* One letter for each word: b both, c compile, l link, x language, t sanitize, s source. */
static void expect(const char *line, const char *uses, enum ccargs_mode mode)
{
	static const char letters[] = {[CCARG_BOTH] = 'b',     [CCARG_COMPILE] = 'c',  [CCARG_LINK] = 'l',
				       [CCARG_LANGUAGE] = 'x', [CCARG_SANITIZE] = 't', [CCARG_SOURCE] = 's'};
	struct arena *a = arena_new();
	struct words w = {.a = a};
	struct ccargs args;
	char got[64] = "";

	ccargs_split(a, &w, line);
	ccargs_parse(a, &args, (char **)ccargs_vector(&w));
	for (size_t i = 0; i < args.n; i++)
		got[i] = letters[args.arg[i].use];
	if (strcmp(got, uses) != 0 || args.mode != mode)
		fail_msg("%s: %s", line, got);
	arena_free(a);
}

static void steps(void **state)
{
	(void)state;
	expect("-O2 a.c b.o -lm -o prog", "bsllll", CCARGS_LINK);
	expect("-c a.c -o a.o -I dir -Idir", "bsllccc", CCARGS_COMPILE);
	expect("-fsanitize=thread a.c", "ts", CCARGS_LINK);
	expect("-x c - -x none b.o", "xxsxxl", CCARGS_LINK);
	expect("-DX=1 -D Y -Wall -Wl,-z,now -Wa,-x",
	       "ccccl"
	       "b",
	       CCARGS_ASK);
	expect("-shared -fPIC b.cc", "lbs", CCARGS_LINK);
	expect("-MMD -MF x.d -E a.c", "cccbs", CCARGS_COMPILE);
	expect("--version", "b", CCARGS_ASK);
	expect("-Xlinker a.c -T script.c f.S", "lllls", CCARGS_LINK);
	expect("-static-libstdc++ -shared-libsan a.c", "tts", CCARGS_LINK);
	expect("--sysroot /s -isysroot /s -MJ x.json a.c", "bbccccs", CCARGS_LINK);
	expect("", "", CCARGS_ASK);
}

/* -r makes an object, which is linked with the libraries later. */
static void relocatable(void **state)
{
	struct arena *a = arena_new();
	struct ccargs args;

	(void)state;
	ccargs_parse(a, &args, (char *[]){"-r", "a.o", "b.o", "-o", "c.o", NULL});
	assert_true(args.relocatable);
	ccargs_parse(a, &args, (char *[]){"a.o", "-o", "c", NULL});
	assert_false(args.relocatable);
	arena_free(a);
}

static void quotes(void **state)
{
	struct arena *a = arena_new();
	struct words w = {.a = a};

	(void)state;
	ccargs_split(a, &w, "  -DA='x y' \"b\\\"c\" d\\ e '' \n f");
	assert_int_equal(w.n, 5);
	assert_string_equal(w.w[0], "-DA=x y");
	assert_string_equal(w.w[1], "b\"c");
	assert_string_equal(w.w[2], "d e");
	assert_string_equal(w.w[3], "");
	assert_string_equal(w.w[4], "f");
	assert_null(ccargs_vector(&w)[5]);
	arena_free(a);
}

static void response_file(void **state)
{
	struct arena *a = arena_new();
	struct ccargs args;
	char *path = sample_file("-O1 'a b.c'\n-c"), word[64];
	char *argv[] = {word, (char[]){"@/nowhere"}, NULL};

	(void)state;
	snprintf(word, sizeof word, "@%s", path);
	ccargs_parse(a, &args, argv);
	assert_int_equal(args.n, 4);
	assert_string_equal(args.arg[1].text, "a b.c");
	assert_int_equal(args.arg[1].use, CCARG_SOURCE);
	assert_string_equal(args.arg[3].text, "@/nowhere");
	assert_int_equal(args.mode, CCARGS_COMPILE);
	unlink(path);
	free(path);

	/* One that names itself ends. */
	path = sample_file("");
	FILE *out = fopen(path, "w");
	fprintf(out, "@%s -O2", path);
	fclose(out);
	snprintf(word, sizeof word, "@%s", path);
	ccargs_parse(a, &args, argv);
	assert_string_equal(args.arg[1].text, "-O2");
	unlink(path);
	free(path);
	arena_free(a);
}

static void facts(void **state)
{
	struct arena *a = arena_new();
	struct words w = {.a = a};
	struct ccargs args;

	(void)state;
	ccargs_split(a, &w, "-static -MMD a.c -o prog");
	ccargs_parse(a, &args, (char **)ccargs_vector(&w));
	assert_true(args.is_static);
	assert_true(args.dependencies);
	assert_string_equal(args.output, "prog");
	assert_int_equal(args.n_sources, 1);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(steps),         cmocka_unit_test(relocatable), cmocka_unit_test(quotes),
		cmocka_unit_test(response_file), cmocka_unit_test(facts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
