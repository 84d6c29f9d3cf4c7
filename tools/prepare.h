/* SPDX-License-Identifier: Apache-2.0
 *
 * prepare.h: what run, gate and baseline do before a program starts, each of it refused with a message and a
 * status, so that a mistake costs no run; and what a gosan inside of a gate does instead of failing its test.
 */
#ifndef PREPARE_H
#define PREPARE_H

#include "settings.h"
#include "tool.h"

/* GOSAN_OPTIONS, help=1 and misspelt options of the command `name`. -1: go on; else the exit status. */
int prepare_begin(const char *name, struct settings *s, const struct argp_option *const *tables, char **argv);
/* Misspelt options alone, for commands that run nothing. -1: go on; else the exit status. */
int prepare_words(const char *name, const struct argp_option *const *tables, char **argv);
/* The end of a parser for argp whose command takes one recording: its path. */
error_t prepare_recording(int key, char *arg, struct argp_state *state, const char **path);
/* Suppressions, baseline, formats and the files of reports. 0, or the exit status. */
int prepare_settings(const struct settings *s);
/* What to preload: our library, and the shims that stand for ThreadSanitizer's shared runtimes (detector/shim/).
 * These always, not only when the program needs them: it may start or dlopen something that does. 0, or the exit
 * status. */
#define PREPARE_PRELOAD_MAX ((size_t)4 * TOOL_PATH_MAX + 4)
int prepare_preload(char *ret, size_t size);
/* A directory for streams. 0, or the exit status. */
int prepare_dir(char *ret, size_t size);

/* Called first of all by main: when a gate preloaded its library into this tool, start again without it. */
void prepare_unwatched(char **argv);
/* Inside of a gate: give it the streams of this run, and let the test end as its program did (own_status) when
 * only findings would change that. Elsewhere: status. */
int prepare_hand_on(const char *dir, int status, int own_status);

#endif
