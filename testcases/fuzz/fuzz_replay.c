/* SPDX-License-Identifier: Apache-2.0
 * fuzz_replay.c: a recording, replayed in a process of its own, which may refuse it and must not crash over it. */
#include "fuzz.h"

#include "fuzz_recording.h"
#include "replay.h"
#include "trace.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BYTES_MAX ((uint64_t)16 << 20)

/* Gigabytes may be true, and take their time and memory: not here. */
static bool is_large(const char *path)
{
	struct trace_event e;
	struct trace *t;
	char err[512];
	bool large = false;

	if (trace_open(&t, path, err, sizeof err) != 0)
		return false;
	while (!large && trace_next(t, &e) > 0)
		large = e.rec.size > BYTES_MAX;
	trace_close(t);
	return large;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char err[512] = "", out[64], file[80];
	const char *path = fuzz_recording(data, size);

	if (is_large(path))
		return 0;
	snprintf(out, sizeof out, "/dev/shm/gosan-fuzz-out-%d", (int)getpid());
	if (replay_process(path, out, err, sizeof err) != 0 &&
	    (!*err || strstr(err, "damaged: it cannot be replayed")))
		__builtin_trap(); /* it died, or refused without a reason */
	snprintf(file, sizeof file, "%s.raw", out);
	unlink(file);
	snprintf(file, sizeof file, "%s.ctr", out);
	unlink(file);
	return 0;
}
