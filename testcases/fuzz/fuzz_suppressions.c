/* SPDX-License-Identifier: Apache-2.0
 * fuzz_suppressions.c: a file of suppressions, tried on a finding with names of all sorts. */
#include "fuzz.h"

#include "raw.h"
#include "suppress.h"

#include <string.h>

/* A race with a frame, an object and a lock. */
static struct finding *finding(struct arena *a)
{
	static struct frame frame = {
		.function = "bump", .file = "/src/cache.c", .module = "prog", .line = 12};
	static struct object lock = {.kind = "mutex", .name = "mu"};
	struct finding *f = arena_alloc(a, sizeof *f);

	f->code = "GS101";
	f->kind = "data-race";
	f->check = "race";
	f->title = "data race on counter";
	f->object = (struct object){.kind = "global", .name = "counter"};
	f->parts = arena_alloc(a, sizeof *f->parts);
	f->n_parts = 1;
	f->parts[0] = (struct part){.role = "current", .name = "", .fn = "", .op = "write", .g = 1};
	f->parts[0].stack = (struct stack){.n = 1, .frames = &frame};
	f->parts[0].locks = &lock;
	f->parts[0].n_locks = 1;
	memset(f->fingerprint, 'a', 32);
	return f;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct report *r = raw_report_new();
	char err[256] = "";

	if (suppress_read(r, fuzz_file(data, size), err, sizeof err) == 0) {
		r->findings = arena_alloc(r->arena, sizeof *r->findings);
		r->findings[r->n_findings++] = finding(r->arena);
		suppress_findings(r);
		suppress_line(r->arena, r->findings[0]);
	} else if (!*err)
		__builtin_trap(); /* a refusal without a reason */
	raw_report_free(r);
	return 0;
}
