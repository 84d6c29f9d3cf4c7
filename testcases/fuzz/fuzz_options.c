/* SPDX-License-Identifier: Apache-2.0
 * fuzz_options.c: GOSAN_OPTIONS. The parser is included, not linked: its room for texts is for one process's life,
 * and each input wants it whole. */
#include "../../detector/options.c"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct gosan_options defaults = {
#define X(type, name, def, help) .name = def,
#include "options.def"
#undef X
	};
	char *input = fuzz_text(data, size), err[200] = "", help[64];

	gosan_options = defaults;
	text_used = 0;
	if (gosan_options_parse(input, err, sizeof err) != 0 && !*err)
		__builtin_trap(); /* a refusal without a reason */
	gosan_check_on("race");
	gosan_options_help(help, sizeof help);
	/* A second parse adds to the first. */
	gosan_options_parse(input, err, sizeof err);
	free(input);
	return 0;
}
