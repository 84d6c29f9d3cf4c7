/* SPDX-License-Identifier: Apache-2.0
 * Tests of detector/finding.c and stream.c: records become lines of JSON, once per bug, whatever happens to
 * the file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "depot.h"
#include "finding.h"
#include "finding_hook.h"
#include "options.h"
#include "stream.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static char path[] = "/tmp/test_finding.XXXXXX", text[1 << 20], *lines[256];
static size_t n_lines;

/* A fresh stream for each test. */
static int fresh(void **state)
{
	(void)state;
	gosan_stream_close();
	unlink(path);
	memcpy(path + sizeof(path) - 7, "XXXXXX", 6);
	close(mkstemp(path));
	return gosan_stream_open(path);
}

static int done(void **state)
{
	(void)state;
	gosan_stream_close();
	return unlink(path);
}

/* Every line of the file, each checked to be one object. */
static void slurp(void)
{
	FILE *in = fopen(path, "r");
	size_t n;

	assert_non_null(in);
	n = fread(text, 1, sizeof(text) - 1, in);
	fclose(in);
	text[n] = 0;
	n_lines = 0;
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		assert_true(line[0] == '{' && line[strlen(line) - 1] == '}');
		lines[n_lines++] = line;
	}
}

static const char *line_of(const char *record)
{
	char start[64];

	snprintf(start, sizeof(start), "{\"r\":\"%s\"", record);
	for (size_t i = 0; i < n_lines; i++)
		if (strncmp(lines[i], start, strlen(start)) == 0)
			return lines[i];
	return NULL;
}

static uint32_t stack(uintptr_t pc)
{
	uintptr_t pcs[] = {pc, (uintptr_t)&fresh};

	return gosan_depot_put(pcs, 2);
}

/* A race at `pc` by two goroutines that the caller names. */
static struct gosan_finding *race(const struct gosan_g *a, const struct gosan_g *b, uintptr_t pc)
{
	struct gosan_finding *f = gosan_finding_begin(101);

	snprintf(f->title, sizeof(f->title), "data race on {obj}");
	f->obj_kind = "global";
	f->addr = (uintptr_t)path;
	f->size = 4;
	gosan_finding_part(f, "current", a, "write", stack(pc));
	gosan_finding_part(f, "previous", b, "read", stack(pc + 16));
	return f;
}

static struct gosan_g g1 = {.id = 1},
		      g7 = {.id = 7, .name = "wor\"ker", .fn_name = "main.worker", .parent = &g1};

static void begin_fills_the_defaults(void **state)
{
	struct gosan_finding *f = gosan_finding_begin(301);

	(void)state;
	assert_int_equal(f->code, 301);
	assert_int_equal(f->grade, GOSAN_LIKELY);
	assert_int_equal(f->n_parts, 0);
	assert_string_equal(f->obj_kind, "");
	assert_string_equal(gosan_finding_kind(505), "send-close-race");
	assert_string_equal(gosan_finding_kind(999), "unknown");
}

static void a_finding_is_one_line_with_its_modules_before(void **state)
{
	const char *f;

	(void)state;
	assert_true(gosan_finding_emit(race(&g7, &g1, (uintptr_t)&fresh)));
	slurp();
	f = line_of("finding");
	assert_non_null(f);
	assert_non_null(
		strstr(f, "\"code\":\"GS101\",\"grade\":\"proved\",\"title\":\"data race on {obj}\""));
	assert_non_null(strstr(
		f, "\"role\":\"current\",\"g\":7,\"t\":0,\"name\":\"wor\\\"ker\",\"fn\":\"main.worker\""));
	assert_non_null(strstr(f, "\"created_by\":1"));
	assert_non_null(strstr(f, "\"locks\":[]"));
	assert_non_null(line_of("module"));
	assert_true(line_of("module") < f);
}

static void the_same_bug_is_counted_either_way_round(void **state)
{
	struct gosan_finding *f;

	(void)state;
	assert_true(gosan_finding_emit(race(&g7, &g1, (uintptr_t)&fresh + 64)));
	assert_false(gosan_finding_emit(race(&g1, &g7, (uintptr_t)&fresh + 64)));
	f = gosan_finding_begin(101);
	gosan_finding_part(f, "current", &g1, "read", stack((uintptr_t)&fresh + 80));
	gosan_finding_part(f, "previous", &g1, "write", stack((uintptr_t)&fresh + 64));
	assert_false(gosan_finding_emit(f));
	assert_true(gosan_finding_emit(race(&g7, &g1, (uintptr_t)&fresh + 128)));
	gosan_stream_end(GOSAN_END_EXIT, 0);
	slurp();
	assert_non_null(line_of("again"));
	assert_non_null(strstr(line_of("again"), "\"count\":3}"));
}

/* What is taken back is told at once, and so is its return. */
static void a_finding_can_be_taken_back(void **state)
{
	uint64_t first, second;

	(void)state;
	assert_true(gosan_finding_emit(race(&g7, &g1, (uintptr_t)&fresh + 16384)));
	first = gosan_finding_last();
	assert_false(gosan_finding_emit(race(&g7, &g1, (uintptr_t)&fresh + 16384)));
	second = gosan_finding_last();
	assert_true(first && second && first != second);
	gosan_finding_take_back(0);
	gosan_finding_take_back(first);
	gosan_finding_take_back(second);
	gosan_finding_take_back(second); /* nothing is left of it */
	slurp();
	assert_non_null(strstr(line_of("taken_back"), "\"count\":1}"));
	assert_null(line_of("again"));
	assert_false(gosan_finding_emit(race(&g7, &g1, (uintptr_t)&fresh + 16384)));
	slurp();
	assert_non_null(strstr(line_of("again"), "\"count\":1}"));
}

static void dedup_overrides_the_stacks(void **state)
{
	struct gosan_finding *f = race(&g1, &g7, (uintptr_t)&fresh + 256);

	(void)state;
	f->dedup = 42;
	assert_true(gosan_finding_emit(f));
	f = race(&g1, &g7, (uintptr_t)&fresh + 512);
	f->dedup = 42;
	assert_false(gosan_finding_emit(f));
	f = gosan_finding_begin(102); /* another code is another bug */
	f->dedup = 42;
	assert_true(gosan_finding_emit(f));
}

static void participants_are_remembered(void **state)
{
	static const struct gosan_g stranger = {.id = 9};
	struct gosan_finding *f = gosan_finding_begin(204);

	(void)state;
	gosan_finding_part(f, "blocked", &g7, "lock", stack(4096));
	gosan_finding_emit(f);
	assert_true(gosan_finding_has(204, &g7));
	assert_false(gosan_finding_has(201, &g7));
	assert_false(gosan_finding_has(204, &stranger));
}

static void a_check_that_is_off_emits_nothing_and_still_explains(void **state)
{
	char err[64];
	struct gosan_finding *f;
	uint64_t before = gosan_counters->findings;

	(void)state;
	assert_int_equal(gosan_options_parse("no_checks=channel", err, sizeof(err)), 0);
	f = gosan_finding_begin(501);
	gosan_finding_part(f, "current", &g7, "chan send", stack(4100));
	assert_false(gosan_finding_emit(f));
	assert_int_equal(gosan_options_parse("no_checks=", err, sizeof(err)), 0);
	assert_true(gosan_finding_has(501, &g7));
	assert_int_equal(gosan_counters->findings, before);
	slurp();
	assert_null(line_of("finding"));
}

static void too_many_participants_are_counted(void **state)
{
	struct gosan_finding *f = gosan_finding_begin(201);

	(void)state;
	for (int i = 0; i < GOSAN_PARTS_MAX + 5; i++)
		assert_non_null(gosan_finding_part(f, "blocked", &g7, "lock", stack(5000 + (uintptr_t)i)));
	for (int i = 0; i < GOSAN_STORY_MAX + 5; i++)
		gosan_finding_story(f, &g7, stack(5000),
				    "step %d of a story that has a rather long text, longer than "
				    "there is room for",
				    i);
	assert_int_equal(f->n_parts, GOSAN_PARTS_MAX);
	assert_int_equal(f->n_more, 5);
	assert_true(gosan_finding_emit(f));
	slurp();
	assert_non_null(strstr(line_of("finding"), "\"more\":5"));
}

static void held_locks_are_copied(void **state)
{
	struct gosan_obj mu = {.kind = GOSAN_OBJ_MUTEX, .addr = 0x1230};
	struct gosan_held held[GOSAN_LOCKS_MAX + 2];
	struct gosan_g owner = {.id = 3, .held = held, .n_held = GOSAN_LOCKS_MAX + 2};
	struct gosan_finding *f = gosan_finding_begin(101);
	struct gosan_part *p = gosan_finding_part(f, "current", &owner, "write", stack(6000));

	(void)state;
	for (size_t i = 0; i < owner.n_held; i++)
		held[i] = (struct gosan_held){&mu, 0, stack(6001), {0, 0}};
	gosan_finding_locks(p);
	assert_int_equal(p->n_locks, GOSAN_LOCKS_MAX);
	assert_true(gosan_finding_emit(f));
	slurp();
	assert_non_null(strstr(line_of("finding"),
			       "{\"kind\":\"mutex\",\"address\":\"0x1230\",\"stack\":[\"0x1771\""));
}

static void any_byte_is_valid_json(void **state)
{
	struct gosan_finding *f = gosan_finding_begin(606);

	(void)state;
	/* controls, quotes, a euro sign, an overlong and a torn sequence, a surrogate */
	snprintf(f->why, sizeof(f->why),
		 "a\"b\\c\n\t\x01\x7f \xe2\x82\xac \xc0\xaf \xe2\x82 \xed\xa0\x80 \xff end");
	f->dedup = 99;
	assert_true(gosan_finding_emit(f));
	slurp();
	assert_non_null(
		strstr(line_of("finding"),
		       "\"why\":\"a\\\"b\\\\c\\u000a\\u0009\\u0001\\u007f \xe2\x82\xac \\u00c0\\u00af "
		       "\\u00e2\\u0082 \\u00ed\\u00a0\\u0080 \\u00ff end\""));
}

static void placeholders_name_their_modules(void **state)
{
	struct gosan_finding *f = gosan_finding_begin(606);

	(void)state;
	snprintf(f->title, sizeof(f->title),
		 "copy of {var:0x%lx} {obj} {fn:", (unsigned long)(uintptr_t)path);
	f->dedup = 100;
	assert_true(gosan_finding_emit(f));
	slurp();
	assert_non_null(line_of("module"));
}

static void the_stream_survives_a_program_that_closes_everything(void **state)
{
	int low, other;

	(void)state;
	for (int fd = 3; fd < 1024; fd++)
		close(fd);
	/* the same numbers for another file: nothing of ours may land there */
	other = open("/dev/null", O_WRONLY);
	low = fcntl(other, F_DUPFD, 800);
	assert_true(gosan_finding_emit(race(&g1, &g7, (uintptr_t)&fresh + 1024)));
	close(low);
	close(other);
	slurp();
	assert_non_null(line_of("finding"));
}

static void a_full_disk_loses_whole_lines_and_counts_them(void **state)
{
	struct rlimit was, limit;
	uint64_t lost = gosan_counters->findings_lost;
	off_t size;
	int fd = open(path, O_RDONLY);

	(void)state;
	assert_true(gosan_finding_emit(race(&g1, &g7, (uintptr_t)&fresh + 2048)));
	size = lseek(fd, 0, SEEK_END);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &was);
	limit = (struct rlimit){(rlim_t)size + 50, was.rlim_max};
	setrlimit(RLIMIT_FSIZE, &limit);
	assert_true(gosan_finding_emit(race(&g1, &g7, (uintptr_t)&fresh + 4096)));
	setrlimit(RLIMIT_FSIZE, &was);
	assert_int_equal(gosan_counters->findings_lost, lost + 1);
	assert_int_equal(lseek(fd, 0, SEEK_END), size);
	assert_true(gosan_finding_emit(race(&g1, &g7, (uintptr_t)&fresh + 8192)));
	close(fd);
	slurp();
}

static void seen(const struct gosan_finding *f)
{
	(void)f;
	function_called();
}

static void halted(void)
{
	function_called();
}

static void hooks_see_new_findings_only(void **state)
{
	(void)state;
	gosan_finding_seen = seen;
	gosan_finding_halt = halted;
	expect_function_call(seen);
	expect_function_call(halted);
	assert_true(gosan_finding_emit(race(&g1, &g7, (uintptr_t)&fresh + 9000)));
	assert_false(gosan_finding_emit(race(&g1, &g7, (uintptr_t)&fresh + 9000)));
	gosan_finding_seen = NULL;
	gosan_finding_halt = NULL;
}

static void a_forked_child_has_no_share_in_the_parents_findings(void **state)
{
	(void)state;
	assert_true(gosan_finding_emit(race(&g1, &g7, (uintptr_t)&fresh + 9100)));
	gosan_finding_forked();
	assert_false(gosan_finding_emit(race(&g1, &g7, (uintptr_t)&fresh + 9100)));
	gosan_stream_end(GOSAN_END_EXIT, 0);
	slurp();
	assert_null(line_of("again"));
}

static void say_one(void (*say)(const char *))
{
	say("libfoo.so");
}

static void the_end_tells_counters_and_what_was_not_checked(void **state)
{
	(void)state;
	gosan_stream_not_checked = say_one;
	gosan_stream_end(GOSAN_END_TIMEOUT, 124);
	gosan_stream_not_checked = NULL;
	slurp();
	assert_non_null(
		strstr(line_of("end"),
		       "{\"r\":\"end\",\"why\":\"timeout\",\"status\":124,\"counters\":{\"events\":"));
	assert_non_null(strstr(line_of("end"), "\"not_checked\":[\"libfoo.so\"]}"));
}

static void a_closed_stream_is_tolerated(void **state)
{
	(void)state;
	gosan_stream_close();
	assert_true(gosan_finding_emit(race(&g1, &g7, (uintptr_t)&fresh + 10000)));
	gosan_stream_dump(GOSAN_END_TIMEOUT);
	gosan_stream_end(GOSAN_END_EXIT, 0);
	slurp();
	assert_int_equal(n_lines, 0);
}

static void a_dump_has_a_line_per_living_goroutine(void **state)
{
	struct gosan_g *a = gosan_engine_new_g(50, false), *b = gosan_engine_new_g(51, false);

	(void)state;
	b->ended = true;
	a->wait.why = 2;
	a->wait.stack = stack(7000);
	gosan_stream_dump(GOSAN_END_TIMEOUT);
	slurp();
	assert_non_null(line_of("dump"));
	assert_non_null(strstr(line_of("dump"), "\"g\":50"));
	assert_non_null(strstr(line_of("dump"), "\"state\":\"chan receive\",\"detail\":\", for "));
	assert_non_null(strstr(line_of("dump"), "\"stack\":[\"0x1b58\""));
	for (size_t i = 0; i < n_lines; i++)
		assert_null(strstr(lines[i], "\"g\":51"));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fresh, done)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(begin_fills_the_defaults),
		TEST(a_finding_is_one_line_with_its_modules_before),
		TEST(the_same_bug_is_counted_either_way_round),
		TEST(a_finding_can_be_taken_back),
		TEST(dedup_overrides_the_stacks),
		TEST(participants_are_remembered),
		TEST(a_check_that_is_off_emits_nothing_and_still_explains),
		TEST(too_many_participants_are_counted),
		TEST(held_locks_are_copied),
		TEST(any_byte_is_valid_json),
		TEST(placeholders_name_their_modules),
		TEST(the_stream_survives_a_program_that_closes_everything),
		TEST(a_full_disk_loses_whole_lines_and_counts_them),
		TEST(hooks_see_new_findings_only),
		TEST(a_forked_child_has_no_share_in_the_parents_findings),
		TEST(the_end_tells_counters_and_what_was_not_checked),
		TEST(a_closed_stream_is_tolerated),
		TEST(a_dump_has_a_line_per_living_goroutine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
