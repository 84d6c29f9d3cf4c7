/* SPDX-License-Identifier: Apache-2.0
 *
 * prepare.h: what run, gate and baseline do before a program starts, each of it refused with a message and a
 * status, so that a mistake costs no run; and what a gosan inside of a gate does instead of failing its test.
 */
#ifndef PREPARE_H
#define PREPARE_H

#include "settings.h"

/* GOSAN_OPTIONS, help=1 and misspelt options of the command `name`. -1: go on; else the exit status. */
int prepare_begin(const char *name, struct settings *s, const struct argp_option *const *tables, char **argv);
/* Suppressions, baseline, formats and the files of reports. 0, or the exit status. */
int prepare_settings(const struct settings *s);
/* The path of libgosan.so. 0, or the exit status. */
int prepare_library(char *ret, size_t size);
/* A directory for streams. 0, or the exit status. */
int prepare_dir(char *ret, size_t size);

/* Called first of all by main: when a gate preloaded its library into this tool, start again without it. */
void prepare_unwatched(char **argv);
/* Inside of a gate: give it the streams of this run, and let the test end as its program did (own_status) when
 * only findings would change that. Elsewhere: status. */
int prepare_hand_on(const char *dir, int status, int own_status);

#endif
