/* SPDX-License-Identifier: Apache-2.0
 * What a run comes to: only a complete run of which nothing was lost is clean. */
#include "sample.h"

#include "options.h"
#include "verdict.h"

#define ENDED(why, counters) \
	"{\"r\":\"end\",\"why\":\"" why "\",\"status\":0,\"counters\":{" counters "},\"not_checked\":[]}\n"
#define SEEN "\"events\":5,\"accesses\":7,\"goroutines\":2"

struct row {
	const char *stream;
	int status;
	bool timed_out;
	enum verdict verdict;
	int exit;
	const char *says;
};

static const struct row rows[] = {
	{START ENDED("exit", SEEN), 0, false, VERDICT_CLEAN, 0, "gosan: clean: 5 events"},
	{START ENDED("exit", SEEN), 3, false, VERDICT_CLEAN, 3, "the program's own status is 3"},
	{START ENDED("exit", SEEN), 200, false, VERDICT_CLEAN, 200, "the program's own status is 200"},
	{START RACE("1", "\"0x3\"", "\"0x4\"") END, 0, false, VERDICT_FINDINGS, 66, "1 finding in prog"},
	{START RACE("1", "\"0x3\"", "\"0x4\"") END, 3, false, VERDICT_FINDINGS, 3, "exit 3"},
	{START RACE("1", "\"0x3\"", "\"0x4\""), 139, false, VERDICT_FINDINGS, 139, "exit 139"},
	/* Nothing to see, cut short, or seen in part. */
	{START ENDED("exit", "\"events\":0"), 0, false, VERDICT_BLIND, 77, "gosan: blind: prog"},
	{START, 139, false, VERDICT_BLIND, 139, "prog"},
	{START ENDED("crash", SEEN), 2, false, VERDICT_BLIND, 2, "no findings so far"},
	{START ENDED("timeout", SEEN), 0, false, VERDICT_BLIND, 124, "no findings so far"},
	{START ENDED("timeout", SEEN), 0, true, VERDICT_BLIND, 124, "stopped by --timeout"},
	{START ENDED("exit", SEEN ",\"lost\":1"), 0, false, VERDICT_BLIND, 77,
	 "something was lost: 5 events"},
	{START ENDED("exit", SEEN ",\"shadow_lost\":29"), 0, false, VERDICT_BLIND, 77,
	 "29 accesses not remembered"},
	{START ENDED("exit", SEEN ",\"clock_lost\":1"), 0, false, VERDICT_BLIND, 77, "something was lost"},
	/* A poorer report, not a missed bug. */
	{START ENDED("exit", SEEN ",\"stacks_lost\":1"), 0, false, VERDICT_CLEAN, 0, "1 stacks lost"},
};

static void table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct report *r = sample_report(rows[i].stream, NULL, NULL, 0);

		verdict_decide(r, 100, rows[i].status, rows[i].timed_out);
		const char *line = verdict_line(r);
		if (r->verdict != rows[i].verdict || verdict_exit(r) != rows[i].exit ||
		    strstr(line, rows[i].says) == NULL)
			fail_msg("row %zu: verdict %d, exit %d: %s", i, (int)r->verdict, verdict_exit(r),
				 line);
		raw_report_free(r);
	}
}

static void own_exit_code(void **state)
{
	struct report *r = sample_report(START RACE("1", "\"0x3\"", "\"0x4\"") END, NULL, NULL, 0);

	(void)state;
	gosan_options.exitcode = 5;
	verdict_decide(r, 100, 0, false);
	assert_int_equal(verdict_exit(r), 5);
	gosan_options.exitcode = 66;
	raw_report_free(r);
}

/* With every check off nothing can be clean. */
static void nothing_is_checked(void **state)
{
	struct report *r = sample_report(START ENDED("exit", SEEN), NULL, NULL, 0);

	(void)state;
	gosan_options.no_checks = "all";
	verdict_decide(r, 100, 0, false);
	gosan_options.no_checks = "";
	assert_int_equal(r->verdict, VERDICT_BLIND);
	assert_int_equal(verdict_exit(r), 77);
	assert_non_null(strstr(verdict_line(r), "every check is switched off"));
	raw_report_free(r);
}

/* A daemon outlives the run: process 1 lives and has written no end. */
static void what_goes_on_is_told(void **state)
{
	struct report *r = sample_report(START ENDED("exit", SEEN), NULL, NULL, 0);
	struct process daemon = {.pid = 1, .ppid = 100, .program = "/nowhere/served", .why = ""};
	struct process *both[] = {r->processes[0], &daemon};

	(void)state;
	r->processes = both;
	r->n_processes = 2;
	verdict_decide(r, 100, 0, false);
	assert_non_null(strstr(verdict_line(r), "not checked: process 1 (served), which goes on"));
	raw_report_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(table), cmocka_unit_test(own_exit_code),
					   cmocka_unit_test(nothing_is_checked),
					   cmocka_unit_test(what_goes_on_is_told)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
