/* SPDX-License-Identifier: Apache-2.0
 * fuzz_trace.c: a recording, read in order, with all that its numbers name, and exported. */
#include "fuzz.h"

#include "export.h"
#include "fuzz_recording.h"
#include "stdhb.h"
#include "tracewords.h"

#include <stdlib.h>
#include <string.h>

#define EVENTS_MAX 20000       /* of a stream that says little in many bytes */
#define MEMORY_MAX (256 << 10) /* bytes whose accesses are written out one by one */

static void look(struct tracewords *w, const struct trace *t, const struct trace_event *e)
{
	bool yes;
	int question;

	if (e->rec.obj && !trace_object(t, e->rec.obj))
		tracewords_object(w, e->rec.obj);
	tracewords_object(w, e->rec.obj2);
	tracewords_actor(w, e->g);
	tracewords_actor_short(w, e->rec.peer);
	tracewords_stack(w, e->rec.stack, tracewords_is_place(e->rec.op));
	tracewords_wait(e->rec.arg);
	trace_op_text(e->rec.op);
	for (size_t i = 0; trace_answer(t, i, &question, &yes); i++)
		if (i > 1000)
			__builtin_trap();
}

/* What is exported can be imported. */
static void export_and_import(struct trace *t, const char *path)
{
	struct export_job x = {.a = arena_new(), .t = t, .process = path};
	struct stdhb h = {.a = x.a};
	struct std_event ev;
	struct std *s;
	char *text = NULL, err[256] = "";
	size_t size = 0;
	int more;

	x.out = open_memstream(&text, &size);
	x.most_memory = MEMORY_MAX;
	if (!x.out)
		__builtin_trap();
	if (export_std(&x, err, sizeof err) != 0) {
		if (!*err)
			__builtin_trap(); /* a refusal without a reason */
		fclose(x.out);
		free(text);
		arena_free(x.a);
		return;
	}
	fclose(x.out);
	if (std_open(&s, x.a, fuzz_file((const uint8_t *)text, size), err, sizeof err) != 0)
		__builtin_trap();
	while ((more = std_next(s, &ev, err, sizeof err)) > 0)
		stdhb_event(&h, &ev);
	if (more < 0)
		__builtin_trap();
	stdhb_free(&h);
	std_close(s);
	free(text);
	arena_free(x.a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *path = fuzz_recording(data, size);
	struct arena *a = arena_new();
	struct trace_event e;
	struct trace *t;
	char err[512] = "";
	size_t n = 0;

	if (trace_open(&t, path, err, sizeof err) != 0) {
		if (!*err)
			__builtin_trap(); /* a refusal without a reason */
		arena_free(a);
		return 0;
	}
	struct tracewords *w = tracewords_new(a, t);
	while (trace_next(t, &e) > 0 && n++ < EVENTS_MAX)
		look(w, t, &e);
	tracewords_loss(t, stdout, "");
	trace_rewind(t);
	if (n < EVENTS_MAX)
		export_and_import(t, path);
	tracewords_free(w);
	trace_close(t);
	arena_free(a);
	return 0;
}
