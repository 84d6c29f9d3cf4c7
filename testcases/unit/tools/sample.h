/* SPDX-License-Identifier: Apache-2.0
 * sample.h: raw streams written by hand, for the tests of the tool. */
#ifndef SAMPLE_H
#define SAMPLE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "raw.h"

#define START \
	"{\"r\":\"start\",\"v\":1,\"pid\":100,\"ppid\":1,\"program\":\"/nowhere/prog\",\"argv\":[\"./" \
	"prog\",\"a b\"],\"cwd\":\"/\",\"options\":\"\"}\n"
#define END \
	"{\"r\":\"end\",\"why\":\"exit\",\"status\":0,\"counters\":{\"events\":1204,\"accesses\":88210," \
	"\"lost\":0," \
	"\"goroutines\":2,\"findings\":1},\"not_checked\":[\"libfoo.so\"]}\n"
#define RACE(key, here, there) \
	"{\"r\":\"finding\",\"key\":" key \
	",\"code\":\"GS101\",\"grade\":\"proved\",\"title\":\"data race on {obj}\"," \
	"\"object\":{\"kind\":\"heap\",\"name\":\"cache.len\",\"address\":\"0x1000\",\"size\":4," \
	"\"created\":[\"0x9\"]," \
	"\"alloc_offset\":8,\"of\":0}," \
	"\"participants\":[{\"role\":\"current\",\"g\":7,\"t\":0,\"name\":\"filler\",\"fn\":\"fill\"," \
	"\"op\":\"write\",\"size\":4," \
	"\"stack\":[" here \
	"],\"locks\":[{\"kind\":\"mutex\",\"address\":\"0x2000\",\"stack\":[\"0x5\"]}],\"created_by\":1," \
	"\"created\":[\"0x6\"]}," \
	"{\"role\":\"previous\",\"g\":1,\"t\":0,\"name\":\"\",\"fn\":\"main\",\"op\":\"read\",\"size\":4," \
	"\"stack\":[" there "],\"locks\":[],\"created_by\":0,\"created\":[]}]," \
	"\"why\":\"nothing orders them\",\"help\":\"take a lock\"," \
	"\"story\":[{\"g\":1,\"t\":0,\"pc\":\"0x6\",\"text\":\"go " \
	"fill()\"},{\"g\":1,\"t\":0,\"pc\":\"0x4\",\"text\":\"read 4 bytes\"}," \
	"{\"g\":7,\"t\":0,\"pc\":\"0x3\",\"text\":\"write 4 bytes <-- unordered\"}]}\n"

static inline char *sample_file(const char *text)
{
	char *path = strdup("/tmp/gosan-test-XXXXXX");
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	return path;
}

/* The report of a stream; the result of raw_read_file in *ret_error when wanted, else it must be 0. */
static inline struct report *sample_report(const char *text, int *ret_error, char *err, size_t err_size)
{
	char *path = sample_file(text), own[512];
	struct report *r = raw_report_new();
	int error = raw_read_file(r, path, err ? err : own, err ? err_size : sizeof own);

	if (ret_error)
		*ret_error = error;
	else
		assert_int_equal(error, 0);
	unlink(path);
	free(path);
	return r;
}

/* What symbolize.c would have found. */
static inline void sample_stack(struct report *r, struct stack *st, const char *function, const char *file,
				unsigned line)
{
	st->frames = arena_alloc(r->arena, 2 * sizeof *st->frames);
	st->n = 2;
	st->frames[0] = (struct frame){.function = function,
				       .file = file,
				       .line = line,
				       .column = 5,
				       .module = "prog",
				       .offset = 0x1234};
	st->frames[1] = (struct frame){.function = "main", .file = file, .line = 90, .module = "prog"};
}

#endif
