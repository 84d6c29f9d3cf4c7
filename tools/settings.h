/* SPDX-License-Identifier: Apache-2.0
 *
 * settings.h: options of run and its kin: GOSAN_OPTIONS first, the command line over it. They end up in
 * gosan_options, in a list of output formats, and in the GOSAN_OPTIONS of the program that is watched.
 */
#ifndef SETTINGS_H
#define SETTINGS_H

#include "options.h"
#include "render.h"

#include <argp.h>

struct settings {
	struct render_request formats[RENDER_REQUESTS_MAX];
	size_t n_formats;
	char for_program[2048]; /* GOSAN_OPTIONS for the program */
	bool help;              /* help=1 in GOSAN_OPTIONS */
};

/* Child parser for argp; its input is a struct settings that settings_begin filled. */
extern const struct argp settings_argp;

/* Parse GOSAN_OPTIONS. 0, or a negative errno with one sentence in err; -ENOTSUP: a key of a later version. */
int settings_begin(struct settings *s, char *err, size_t err_size);
/* After the command line: fill what was left open (formats, log_path with %p as pid). */
int settings_finish(struct settings *s, struct arena *a, char *err, size_t err_size);
/* An unknown long option among the words before the first that is none (or "--"): the option's text, and
 * what was probably meant in *ret_meant (or NULL). NULL when all are known. */
const char *settings_unknown(const struct argp_option *const *tables, char **argv, const char **ret_meant);

#endif
