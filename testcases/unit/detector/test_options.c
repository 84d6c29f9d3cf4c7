/* SPDX-License-Identifier: Apache-2.0
 * Tests of detector/options.c: the settings in GOSAN_OPTIONS. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "finding.h"
#include "options.h"

#include <errno.h>
#include <string.h>

static char err[256];

static int parse(const char *text)
{
	err[0] = 0;
	return gosan_options_parse(text, err, sizeof(err));
}

static void defaults(void **state)
{
	(void)state;
	assert_string_equal(gosan_options.format, "text");
	assert_int_equal(gosan_options.exitcode, 66);
	assert_false(gosan_options.halt_on_error);
	assert_string_equal(gosan_options.log_path, "");
}

static void all_types_parse(void **state)
{
	(void)state;
	assert_int_equal(parse("exitcode=3:halt_on_error=yes:log_path=/tmp/x:seed=0x10::quiet"), 0);
	assert_int_equal(gosan_options.exitcode, 3);
	assert_true(gosan_options.halt_on_error);
	assert_string_equal(gosan_options.log_path, "/tmp/x");
	assert_int_equal(gosan_options.seed, 16);
	assert_true(gosan_options.quiet);
	assert_int_equal(parse("halt_on_error=0:quiet=false:exitcode=66:exitcode=67:log_path="), 0);
	assert_false(gosan_options.halt_on_error);
	assert_false(gosan_options.quiet);
	assert_int_equal(gosan_options.exitcode, 67);
	assert_string_equal(gosan_options.log_path, "");
}

static void values_may_contain_equals_signs(void **state)
{
	(void)state;
	assert_int_equal(parse("log_path=a=b=c"), 0);
	assert_string_equal(gosan_options.log_path, "a=b=c");
}

static void strings_survive_later_parses(void **state)
{
	(void)state;
	assert_int_equal(parse("suppressions=first"), 0);
	const char *kept = gosan_options.suppressions;

	assert_int_equal(parse("baseline=second"), 0);
	assert_string_equal(kept, "first");
	assert_string_equal(gosan_options.suppressions, "first");
	assert_string_equal(gosan_options.baseline, "second");
}

static void errors_are_one_clear_sentence(void **state)
{
	(void)state;
	assert_int_equal(parse("formt=json"), -EINVAL);
	assert_string_equal(err, "unknown key 'formt': did you mean 'format'?");
	assert_int_equal(parse("zzzzzzzzzz=1"), -EINVAL);
	assert_string_equal(err, "unknown key 'zzzzzzzzzz'; help=1 lists the known ones");
	assert_int_equal(parse("exitcode=many"), -EINVAL);
	assert_string_equal(err, "'many' is not a value for exitcode: use a whole number");
	assert_int_equal(parse("exitcode=99999999999"), -EINVAL);
	assert_int_equal(parse("exitcode="), -EINVAL);
	assert_int_equal(parse("exitcode=256"), -EINVAL);
	assert_string_equal(err, "256 is not a value for exitcode: use 0 to 255");
	assert_int_equal(parse("timeout=-1"), -EINVAL);
	assert_int_equal(parse("exitcode=255:timeout=256"), 0);
	assert_int_equal(parse("quiet=maybe"), -EINVAL);
	assert_string_equal(err, "'maybe' is not a value for quiet: use 0 or 1");
	assert_int_equal(parse("log_path"), -EINVAL);
	assert_string_equal(err, "log_path needs a value: log_path=...");
	assert_int_equal(parse("checks=race,dedlock"), -EINVAL);
	assert_string_equal(err, "unknown check 'dedlock': did you mean 'deadlock'?");
	assert_int_equal(parse("checks=all"), 0);
}

static void a_text_that_is_too_long_is_an_error(void **state)
{
	static char huge[20000];

	(void)state;
	memset(huge, 'x', sizeof(huge) - 1);
	assert_int_equal(parse(huge), -EINVAL);
	assert_non_null(strstr(err, "longer"));
}

static void checks_are_switched(void **state)
{
	(void)state;
	assert_int_equal(parse("checks=all:no_checks="), 0);
	assert_true(gosan_check_on("race"));
	assert_int_equal(parse("checks=race,leak"), 0);
	assert_true(gosan_check_on("race"));
	assert_true(gosan_check_on("leak"));
	assert_false(gosan_check_on("lock"));
	assert_false(gosan_check_on("ra"));
	assert_int_equal(parse("checks=all:no_checks=race"), 0);
	assert_false(gosan_check_on("race"));
	assert_true(gosan_check_on("deadlock"));
	assert_int_equal(parse("no_checks="), 0);
}

static void suggestions(void **state)
{
	static const char *const names[] = {"format", "trace", "timeout", NULL};

	(void)state;
	assert_string_equal(gosan_options_suggest("tiemout", names), "timeout");
	assert_string_equal(gosan_options_suggest("trac", names), "trace");
	assert_null(gosan_options_suggest("completely", names));
	assert_null(gosan_options_suggest("", names));
	assert_null(gosan_options_suggest("a word that is much longer than any name can be in here", names));
}

static void help_lists_every_setting(void **state)
{
	static char text[8192];
	size_t n = gosan_options_help(text, sizeof(text));

	(void)state;
	assert_int_equal(n, strlen(text));
#define X(type, name, def, help) assert_non_null(strstr(text, "  " #name " "));
#include "options.def"
#undef X
	assert_int_equal(gosan_options_help(NULL, 0), n);
	assert_int_equal(gosan_options_help(text, 10), n);
	assert_int_equal(strlen(text), 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(all_types_parse),
		cmocka_unit_test(values_may_contain_equals_signs),
		cmocka_unit_test(strings_survive_later_parses),
		cmocka_unit_test(errors_are_one_clear_sentence),
		cmocka_unit_test(a_text_that_is_too_long_is_an_error),
		cmocka_unit_test(checks_are_switched),
		cmocka_unit_test(suggestions),
		cmocka_unit_test(help_lists_every_setting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
