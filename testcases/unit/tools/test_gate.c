/* SPDX-License-Identifier: Apache-2.0
 * Many processes, one verdict: streams as a test run leaves them, swept and judged. */
#include "sample.h"

#include "baseline.h"
#include "gate.h"
#include "options.h"
#include "pipeline.h"
#include "suppress.h"
#include "sweep.h"
#include "tool.h"
#include "verdict.h"

#include <sys/stat.h>

/* pid 1 lives, and 4194303 hardly ever does. */
#define GONE "4194303"
#define START_OF(pid, name) \
	"{\"r\":\"start\",\"v\":1,\"pid\":" pid ",\"ppid\":1,\"program\":\"/t/" name \
	"\",\"argv\":[\"./" name "\"],\"cwd\":\"/t\",\"options\":\"\"}\n"
#define ENDED(why, counters) \
	"{\"r\":\"end\",\"why\":\"" why "\",\"status\":0,\"counters\":{" counters "},\"not_checked\":[]}\n"
#define SEEN "\"events\":5,\"accesses\":7,\"goroutines\":2"

/* The tool's reporter lives in main.c, which tests don't have. */
void tool_error(const char *fmt, ...)
{
	(void)fmt;
}

struct run {
	char dir[64];
	struct report *r;
	struct sweep s;
};

static char *argv[] = {(char[]){"sh"}, (char[]){"check.sh"}, NULL};

static void begin(struct run *run)
{
	strcpy(run->dir, "/tmp/gosan-test-gate-XXXXXX");
	assert_non_null(mkdtemp(run->dir));
	run->r = raw_report_new();
	gate_begin(run->r);
	run->r->gate->runs = 1;
	run->s = (struct sweep){.r = run->r, .dir = run->dir, .run = 1};
}

static void put(const struct run *run, const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof path, "%s/%s", run->dir, name);
	FILE *out = fopen(path, "w");
	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

/* The directory must be empty by then: rmdir tells. */
static const char *judge(struct run *run, int status)
{
	sweep_rest(&run->s);
	assert_int_equal(rmdir(run->dir), 0);
	pipeline_judge(run->r);
	gate_decide(run->r, "/bin/sh", argv, status);
	return verdict_line(run->r);
}

/* One stream each: what the run comes to. */
static void verdicts(void **state)
{
	static const struct {
		const char *stream;
		int status, exit;
		enum verdict verdict;
		const char *says;
	} rows[] = {
		{START_OF("10", "a") ENDED("exit", SEEN), 0, 0, VERDICT_CLEAN,
		 "gate: clean: 1 program checked"},
		{START_OF("10", "sh") ENDED("exit", ""), 0, 77, VERDICT_BLIND,
		 "gate: blind: none of 1 process"},
		{START_OF("10", "a") RACE("1", "\"0x3\"", "\"0x4\"") ENDED("exit", SEEN), 0, 66,
		 VERDICT_FINDINGS, "gate: 1 finding: 1 program"},
		{START_OF("10", "a") RACE("1", "\"0x3\"", "\"0x4\"") ENDED("exit", SEEN), 8, 8,
		 VERDICT_FINDINGS, "the command's own status is 8; exit 8"},
		/* An interpreter's own locks are no result, those of several threads are. */
		{START_OF("10", "py") ENDED("exit", "\"events\":9,\"threads\":1"), 0, 77, VERDICT_BLIND,
		 "gate: blind: none of 1 process"},
		{START_OF("10", "a") ENDED("exit", "\"events\":9,\"threads\":3"), 0, 0, VERDICT_CLEAN,
		 "gate: clean: 1 program checked"},
		/* A crash on purpose doesn't make the rest blind, a loss does. */
		{START_OF("10", "a") ENDED("crash", SEEN), 0, 0, VERDICT_CLEAN,
		 "not checked: what came after a panicked or crashed"},
		{START_OF(GONE, "a"), 0, 77, VERDICT_BLIND, "what came after a was killed"},
		{START_OF("10", "a") ENDED("timeout", SEEN), 0, 124, VERDICT_BLIND,
		 "was stopped by --timeout"},
		{START_OF("10", "a") ENDED("exit", SEEN ",\"lost\":1"), 0, 77, VERDICT_BLIND,
		 "something was lost"},
		{START_OF("10", "a") ENDED("exit", SEEN), 130, 130, VERDICT_BLIND, "no findings so far"},
		{"rubbish\n", 0, 77, VERDICT_BLIND, "not a line of a gosan stream"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct run run;

		begin(&run);
		put(&run, "10.raw", rows[i].stream);
		const char *line = judge(&run, rows[i].status);
		if (run.r->verdict != rows[i].verdict || verdict_exit(run.r) != rows[i].exit ||
		    !strstr(line, rows[i].says))
			fail_msg("row %zu: verdict %d, exit %d: %s", i, (int)run.r->verdict,
				 verdict_exit(run.r), line);
		raw_report_free(run.r);
	}
}

/* Clean streams leave nothing but their row; one finding in two programs and two runs is one finding. */
static void rows_and_runs(void **state)
{
	struct run run;

	(void)state;
	begin(&run);
	for (unsigned i = 1; i <= 2; i++) {
		run.s.run = run.r->gate->runs = i;
		put(&run, "20.raw", START_OF("20", "a") RACE("1", "\"0x3\"", "\"0x4\"") ENDED("exit", SEEN));
		put(&run, "21.raw", START_OF("21", "b") ENDED("exit", SEEN));
		put(&run, "22.raw",
		    START_OF("22", "sh") ENDED("exec", "") START_OF("22", "make") ENDED("exit", ""));
		if (i == 2)
			put(&run, "23.raw",
			    START_OF("23", "c") RACE("1", "\"0x3\"", "\"0x4\"") ENDED("exit", SEEN));
		sweep_rest(&run.s);
	}
	judge(&run, 0);
	const struct gate *g = run.r->gate;
	assert_int_equal(g->n_rows, 4);
	assert_string_equal(g->rows[2]->program, "/t/make");
	assert_false(g->rows[2]->checked);
	assert_int_equal(g->rows[0]->processes, 2);
	assert_int_equal(g->rows[0]->n_findings, 1);
	assert_int_equal(g->rows[1]->n_findings, 0);
	assert_ptr_equal(g->rows[3]->findings[0], g->rows[0]->findings[0]);
	assert_int_equal(run.r->n_shown, 1);
	assert_int_equal(run.r->findings[0]->count, 3);
	assert_int_equal(gate_runs_of(run.r->findings[0]), 2);
	raw_report_free(run.r);
}

/* Meanwhile: what ended is taken, what lives, has no end or execs is left. */
static void meanwhile(void **state)
{
	static const char *const left[] = {"1.raw", "4194302.raw", "4194301.raw"};
	struct run run;
	char path[128];

	(void)state;
	begin(&run);
	put(&run, GONE ".raw", START_OF(GONE, "a") ENDED("exit", SEEN));
	put(&run, GONE ".ctr", "");
	put(&run, GONE "-7.raw", START_OF(GONE, "a") ENDED("exit", SEEN));
	put(&run, "1.raw", START_OF("1", "a") ENDED("exit", SEEN));
	put(&run, "4194302.raw", START_OF("4194302", "a"));
	put(&run, "4194301.raw", START_OF("4194301", "a") ENDED("exec", SEEN));
	sweep_ended(&run.s);
	assert_int_equal(run.r->gate->processes, 2);
	for (size_t i = 0; i < sizeof left / sizeof *left; i++) {
		snprintf(path, sizeof path, "%s/%s", run.dir, left[i]);
		assert_int_equal(access(path, F_OK), 0);
	}
	judge(&run, 0);
	assert_int_equal(run.r->gate->processes, 5);
	raw_report_free(run.r);
}

/* A mark is answered by an image that did not end by exec, and by nothing else. */
static void marks(void **state)
{
	struct run run;

	(void)state;
	begin(&run);
	put(&run, "30.exec", "/nowhere/answered\n");
	put(&run, "30.raw", START_OF("30", "sh") ENDED("exec", "") START_OF("30", "a") ENDED("exit", SEEN));
	put(&run, "31.exec", "/nowhere/silent\n");
	put(&run, "31.raw", START_OF("31", "sh") ENDED("exec", ""));
	put(&run, "32.exec", "/nowhere/spawned\n");
	put(&run, "33.exec", "/nowhere/spawned\n");
	put(&run, "34.exec", "");
	const char *line = judge(&run, 0);
	const struct gate *g = run.r->gate;
	assert_int_equal(g->n_unseen, 2);
	assert_string_equal(g->unseen[0].path, "/nowhere/silent");
	assert_int_equal(g->unseen[1].count, 2);
	assert_int_equal(run.r->verdict, VERDICT_CLEAN);
	assert_non_null(strstr(line, "/nowhere/silent"));
	raw_report_free(run.r);
}

/* Rows are found again among many. */
static void many_rows(void **state)
{
	struct run run;

	(void)state;
	begin(&run);
	for (size_t i = 0; i < 3000; i++) {
		char number[32];
		const char *words[] = {"./a", number};
		struct process p = {.program = "/t/a", .why = "exit", .argv = words, .n_argv = 2};

		snprintf(number, sizeof number, "%zu", i % 1000);
		p.counters[COUNTER_events] = 1;
		p.counters[COUNTER_threads] = 2;
		gate_image(run.r, &p, false);
	}
	assert_int_equal(run.r->gate->n_rows, 1000);
	assert_int_equal(run.r->gate->rows[999]->processes, 3);
	judge(&run, 0);
	assert_int_equal(run.r->counters[COUNTER_events], 3000);
	raw_report_free(run.r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verdicts), cmocka_unit_test(rows_and_runs), cmocka_unit_test(meanwhile),
		cmocka_unit_test(marks),    cmocka_unit_test(many_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
