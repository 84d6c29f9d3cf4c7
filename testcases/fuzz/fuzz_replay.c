/* SPDX-License-Identifier: Apache-2.0
 * fuzz_replay.c: a recording, replayed in a process of its own, which may refuse it and must not crash over it. */
#include "fuzz.h"

#include "fuzz_recording.h"
#include "replay.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char err[512] = "", out[64], file[80];
	const char *path = fuzz_recording(data, size);

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
