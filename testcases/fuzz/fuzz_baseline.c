/* SPDX-License-Identifier: Apache-2.0
 * fuzz_baseline.c: a baseline, read, written and read again: what was read once must stay the same. */
#include "fuzz.h"

#include "arena.h"
#include "baseline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Trap when the rewritten file says something else. */
static void compare(const struct baseline *a, const struct baseline *b)
{
	if (a->n != b->n)
		__builtin_trap();
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->entries[i].fingerprint, b->entries[i].fingerprint) != 0 ||
		    strcmp(a->entries[i].code, b->entries[i].code) != 0 ||
		    strcmp(a->entries[i].title, b->entries[i].title) != 0)
			__builtin_trap();
}

/* Beside the input: an update writes a new file and renames it, which a file in memory does not allow. */
static const char *scratch(void)
{
	static char path[64];

	if (!*path)
		snprintf(path, sizeof path, "/dev/shm/gosan-fuzz-baseline-%d", (int)getpid());
	return path;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new();
	struct baseline b, again;
	char err[256] = "";
	int error = baseline_read(&b, a, fuzz_file(data, size), err, sizeof err);

	if (error && !*err)
		__builtin_trap(); /* a refusal without a reason */
	if (!error) {
		baseline_find(&b, "00000000000000000000000000000000");
		b.file = scratch();
		if (baseline_write(&b, err, sizeof err) != 0 ||
		    baseline_read(&again, a, b.file, err, sizeof err) != 0)
			__builtin_trap();
		unlink(scratch());
		compare(&b, &again);
	}
	arena_free(a);
	return 0;
}
