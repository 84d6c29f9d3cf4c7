/* SPDX-License-Identifier: Apache-2.0
 * Streams as they are, torn, broken, foreign, and of several images. */
#include "sample.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

static void reads_a_whole_stream(void **state)
{
	struct report *r = sample_report(
		START "{\"r\":\"module\",\"path\":\"/a/"
		      "prog\",\"base\":\"0x400000\",\"start\":\"0x401000\",\"end\":\"0x402000\","
		      "\"build_id\":\"ab\",\"instrumented\":true}\n" RACE(
			      "1", "\"0x3\",\"0x33\"",
			      "\"0x4\"") "{\"r\":\"again\",\"key\":1,\"count\":5}\n"
					 "{\"r\":\"dump\",\"g\":3,\"t\":0,\"name\":\"w\",\"state\":\"chan "
					 "receive\",\"stack\":[\"0x7\"],\"created\":[]}\n" END,
		NULL, NULL, 0);
	const struct process *p = r->processes[0];
	const struct finding *f = r->findings[0];

	(void)state;
	assert_int_equal(r->n_processes, 1);
	assert_int_equal(p->pid, 100);
	assert_string_equal(p->argv[1], "a b");
	assert_int_equal(p->n_modules, 1);
	assert_int_equal(p->modules[0].base, 0x400000);
	assert_true(p->modules[0].instrumented);
	assert_string_equal(p->why, "exit");
	assert_int_equal(p->counters[COUNTER_accesses], 88210);
	assert_string_equal(p->not_checked[0], "libfoo.so");
	assert_int_equal(p->n_dumps, 1);
	assert_string_equal(p->dumps[0].state, "chan receive");
	assert_int_equal(r->n_findings, 1);
	assert_string_equal(f->kind, "data-race");
	assert_string_equal(f->check, "race");
	assert_int_equal(f->count, 5);
	assert_int_equal(f->n_parts, 2);
	assert_int_equal(f->parts[0].stack.n_pcs, 2);
	assert_int_equal(f->parts[0].stack.pcs[1], 0x33);
	assert_int_equal(f->parts[0].n_locks, 1);
	assert_int_equal(f->parts[0].locks[0].created.pcs[0], 5);
	assert_int_equal(f->object.alloc_offset, 8);
	assert_int_equal(f->n_steps, 3);
	raw_report_free(r);
}

/* A process may die in the middle of any write: every prefix of a stream is a stream. */
static void every_prefix_reads(void **state)
{
	const char *whole = START RACE("1", "\"0x3\"", "\"0x4\"") END;
	size_t n = strlen(whole), found = 0;

	(void)state;
	for (size_t i = 0; i <= n; i += 7) {
		char *text = strndup(whole, i);
		struct report *r = sample_report(text, NULL, NULL, 0);

		found += r->n_findings;
		raw_report_free(r);
		free(text);
	}
	assert_true(found > 0);
}

static void expect_error(const char *text, int error, const char *message)
{
	char err[512] = "";
	int got;
	struct report *r = sample_report(text, &got, err, sizeof err);

	assert_int_equal(got, error);
	assert_non_null(strstr(err, message));
	raw_report_free(r);
}

static void refuses_what_is_no_stream(void **state)
{
	struct report *r = raw_report_new();
	char err[512];

	(void)state;
	expect_error("hello\nworld\n", -EBADMSG, ":1: not a line of a gosan stream");
	expect_error("[1,2]\n" START, -EBADMSG, ":1:");
	expect_error(START "{broken\n" END, -EBADMSG, ":2:");
	expect_error(END START, -EBADMSG, ":1:");
	expect_error("{\"r\":\"start\",\"v\":2}\n", -EPROTO, "another version");
	assert_int_equal(raw_read_file(r, "/nowhere/at/all", err, sizeof err), -ENOENT);
	assert_non_null(strstr(err, "/nowhere/at/all"));
	raw_report_free(r);
}

/* Wrong types and missing members count as empty. */
static void trusts_nothing(void **state)
{
	struct report *r = sample_report(
		START
		"{\"r\":\"finding\",\"code\":7,\"participants\":{\"a\":1},\"object\":[],\"story\":\"x\","
		"\"title\":null}\n"
		"{\"r\":\"finding\",\"code\":\"GS999\",\"participants\":[1,\"x\",{\"stack\":[{},\"zz\"],"
		"\"locks\":[3]}]}\n"
		"{\"r\":\"module\",\"path\":[],\"base\":-1}\n{\"r\":\"again\",\"key\":-5,\"count\":99}\n"
		"{\"r\":\"unheard of\"}\n{\"r\":\"end\",\"counters\":[]}\n",
		NULL, NULL, 0);

	(void)state;
	assert_int_equal(r->n_findings, 2);
	assert_string_equal(r->findings[0]->title, "");
	assert_string_equal(r->findings[1]->kind, "GS999");
	assert_int_equal(r->findings[1]->n_parts, 3);
	raw_report_free(r);
}

/* exec: one pid, two images with their own modules. */
static void exec_begins_a_new_image(void **state)
{
	struct report *r = sample_report(
		START RACE("1", "\"0x3\"", "\"0x4\"")
			START RACE("1", "\"0x3\"", "\"0x4\"") "{\"r\":\"again\",\"key\":1,\"count\":3}\n",
		NULL, NULL, 0);

	(void)state;
	assert_int_equal(r->n_processes, 2);
	assert_ptr_equal(r->findings[0]->process, r->processes[0]);
	assert_ptr_equal(r->findings[1]->process, r->processes[1]);
	assert_int_equal(r->findings[0]->count, 1);
	assert_int_equal(r->findings[1]->count, 3);
	raw_report_free(r);
}

/* A total of zero: the finding never was. One that came again after that is back. */
static void taken_back(void **state)
{
	struct report *r = sample_report(
		START RACE("1", "\"0x3\"", "\"0x4\"") RACE("2", "\"0x3\"", "\"0x4\"")
			RACE("3", "\"0x3\"", "\"0x4\"") "{\"r\":\"taken_back\",\"key\":1,\"count\":0}\n"
							"{\"r\":\"taken_back\",\"key\":2,\"count\":0}\n"
							"{\"r\":\"again\",\"key\":2,\"count\":1}\n"
							"{\"r\":\"again\",\"key\":3,\"count\":4}\n"
							"{\"r\":\"taken_back\",\"key\":3,\"count\":3}\n",
		NULL, NULL, 0);

	(void)state;
	assert_int_equal(r->n_findings, 2);
	assert_int_equal(r->findings[0]->count, 1);
	assert_int_equal(r->findings[1]->count, 3);
	raw_report_free(r);
}

static void write_file(const char *dir, const char *name, const void *bytes, size_t n)
{
	char path[256];

	snprintf(path, sizeof path, "%s/%s", dir, name);
	int fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_int_equal(write(fd, bytes, n), n);
	close(fd);
}

/* Killed before its end: the counters come from the shared page. */
static void directory_with_a_killed_process(void **state)
{
	char dir[] = "/tmp/gosan-test-XXXXXX", err[512], path[64];
	uint64_t page[COUNTER_COUNT] = {0};
	struct report *r = raw_report_new();

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(raw_read_dir(r, dir, err, sizeof err), -ENODATA);
	page[COUNTER_events] = 42;
	write_file(dir, "100.raw", START, strlen(START));
	write_file(dir, "100.ctr", page, sizeof page);
	assert_int_equal(raw_read_dir(r, dir, err, sizeof err), 0);
	assert_int_equal(r->processes[0]->counters[COUNTER_events], 42);
	snprintf(path, sizeof path, "%s/100.raw", dir);
	unlink(path);
	snprintf(path, sizeof path, "%s/100.ctr", dir);
	unlink(path);
	rmdir(dir);
	raw_report_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_whole_stream),
		cmocka_unit_test(every_prefix_reads),
		cmocka_unit_test(refuses_what_is_no_stream),
		cmocka_unit_test(trusts_nothing),
		cmocka_unit_test(exec_begins_a_new_image),
		cmocka_unit_test(taken_back),
		cmocka_unit_test(directory_with_a_killed_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
