/* SPDX-License-Identifier: Apache-2.0
 * fuzz_settings.c: the command line of run and gate, one word a line, with GOSAN_OPTIONS as the first line. */
#include "fuzz.h"

#include "arena.h"
#include "settings.h"

#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 32

/* argp goes on after an error that would have ended the tool. */
static bool is_whole(const struct settings *s)
{
	for (size_t i = 0; i < s->n_formats; i++)
		if (!s->formats[i].ops || !s->formats[i].file)
			return false;
	return true;
}

/* What ends the tool or opens files of the machine is left out. */
static bool is_wild(const char *word)
{
	return strncmp(word, "--so", 4) == 0 || strncmp(word, "--t", 3) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct argp_option *const tables[] = {settings_argp.options, NULL};
	const unsigned quietly = ARGP_NO_EXIT | ARGP_NO_ERRS | ARGP_NO_HELP | ARGP_IN_ORDER;
	static const struct gosan_options defaults = {
#define X(type, name, def, help) .name = def,
#include "options.def"
#undef X
	};
	char *input = fuzz_text(data, size), *rest = input, *word, *argv[WORDS_MAX + 2] = {(char[]){"run"}};
	char err[512] = "";
	const char *meant;
	struct settings s;
	int argc = 1;

	gosan_options = defaults;
	word = strsep(&rest, "\n");
	/* Parsing it has a fuzzer of its own. */
	unsetenv("GOSAN_OPTIONS");
	settings_begin(&s, err, sizeof err);
	snprintf(s.for_program, sizeof s.for_program, "%s", word);
	while (rest && argc < WORDS_MAX) {
		word = strsep(&rest, "\n");
		if (!is_wild(word))
			argv[argc++] = word;
	}
	struct arena *a = arena_new();
	if (!settings_unknown(tables, argv, &meant)) {
		argp_parse(&settings_argp, argc, argv, quietly, NULL, &s);
		if (is_whole(&s))
			settings_finish(&s, a, err, sizeof err);
	}
	arena_free(a);
	free(input);
	return 0;
}
