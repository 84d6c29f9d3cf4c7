/* SPDX-License-Identifier: Apache-2.0
 *
 * ccargs.h: the command line of a C compiler, as far as needed to split compiling from linking.
 */
#ifndef CCARGS_H
#define CCARGS_H

#include "arena.h"

#include <stdbool.h>

/* A growing argv. */
struct words {
	struct arena *a;
	size_t n;
	const char **w;
};
void ccargs_add(struct words *w, const char *word);
/* NULL-terminated. */
const char **ccargs_vector(struct words *w);
/* Append the words of text: blanks separate, quotes and backslashes protect (as in response files). */
void ccargs_split(struct arena *a, struct words *w, const char *text);

enum ccarg_use {
	CCARG_BOTH,     /* -O2, -m32, -pthread */
	CCARG_COMPILE,  /* -I, -D, -std=, -W, -M */
	CCARG_LINK,     /* -l, -L, -Wl, -shared, objects, -o with its file */
	CCARG_LANGUAGE, /* -x with its language: it would turn objects into sources at the link */
	CCARG_SANITIZE, /* -fsanitize=thread, and how its runtime is linked: ours to decide */
	CCARG_SOURCE,
};

struct ccarg {
	const char *text;
	enum ccarg_use use;
};

enum ccargs_mode {
	CCARGS_COMPILE, /* -c, -S, -E, -M, -fsyntax-only */
	CCARGS_LINK,
	CCARGS_ASK, /* nothing to build: --version, -print-file-name=... */
};

struct ccargs {
	size_t n, n_sources;
	struct ccarg *arg;
	enum ccargs_mode mode;
	bool is_static;
	bool relocatable;   /* -r: joins objects, no program */
	bool dependencies;  /* -MD or -MMD without -MF */
	const char *output; /* of -o, or NULL */
};

/* argv is NULL-terminated, without the compiler; @files are read. */
void ccargs_parse(struct arena *a, struct ccargs *ret, char **argv);

#endif
