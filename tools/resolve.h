/* SPDX-License-Identifier: Apache-2.0
 *
 * resolve.h (finding.c): names for everything in a report, and the words in which all formats speak of
 * places, functions and goroutines.
 */
#ifndef RESOLVE_H
#define RESOLVE_H

#include "report.h"

/* Symbolize all stacks, name all objects and locks, replace the placeholders in all texts. Once per report. */
void resolve_report(struct report *r);

/* path as shown to people: relative to --source-root, or to the current directory, when inside it. */
const char *resolve_path(struct arena *a, const char *path);
/* "src/cache.c:41", "prog+0x1234" without line information, "0x7f.." without a module. */
const char *resolve_place(struct arena *a, const struct frame *f);
/* The same without the directory when that is outside of where we are: for the second mention of a file. */
const char *resolve_place_short(struct arena *a, const struct frame *f);
/* The function's name, "??" when unknown. */
const char *resolve_function(const struct frame *f);
/* 'goroutine 7 "worker"', 'thread 2', 'the system'. */
const char *resolve_who(struct arena *a, uint64_t g, uint64_t t, const char *name);
/* One word of a shell command: quoted where it must be. */
const char *resolve_word(struct arena *a, const char *word);
/* The shell command that runs p again under gosan. */
const char *resolve_command(struct arena *a, const struct process *p);

#endif
