/* SPDX-License-Identifier: Apache-2.0
 * fuzz_raw.c: a raw stream of findings, from the reader through the whole chain to every format. */
#include "fuzz.h"

#include "fingerprint.h"
#include "pipeline.h"
#include "raw.h"
#include "source.h"
#include "verdict.h"

#include <stdlib.h>

static const struct render_ops *const formats[] = {&render_text,  &render_json,   &render_sarif,
						   &render_junit, &render_github, &render_html};

/* Into nowhere: the writers of XML and JSON still look at every byte. */
static void render(const struct report *r)
{
	FILE *out = fopen("/dev/null", "w");

	if (!out)
		abort();
	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
		formats[i]->render(r, out, i % 2);
	fclose(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct report *r = raw_report_new();
	char err[RAW_ERROR_MAX] = "";
	int error = raw_read_file(r, fuzz_file(data, size), err, sizeof err);

	if (error && !*err)
		__builtin_trap(); /* a refusal without a reason */
	if (!error && r->n_processes) {
		pipeline_judge(r);
		verdict_decide(r, 0, -1, false);
		render(r);
	}
	source_forget();
	raw_report_free(r);
	return 0;
}
