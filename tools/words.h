/* SPDX-License-Identifier: Apache-2.0
 *
 * words.h: what all formats say alike: what a participant did, where an object lies, which place stands for
 * a finding, how grave it is. Texts are plain; cutting to a width and escaping are the formats' own.
 */
#ifndef WORDS_H
#define WORDS_H

#include "report.h"

/* Is f told as a finding of its own: neither suppressed nor folded into another? */
bool words_shown(const struct finding *f);
/* "error" for what is proved, "warning" for what is likely or possible: the levels of SARIF and GitHub. */
const char *words_level(const struct finding *f);
/* The shell command that makes this report again: of gosan run, or of gosan gate. */
const char *words_command(const struct report *r);
/* "data race" for "data-race". */
const char *words_kind(struct arena *a, const char *kind);

/* "previous write of 4 bytes", "blocked in lock". */
const char *words_deed(struct arena *a, const struct finding *f, const struct part *part);
/* " holding mu (cache.c:12)", or "". */
const char *words_holding(struct arena *a, const struct part *part);
/* 'write of 4 bytes by goroutine 7 "filler" holding mu (cache.c:12)'. */
const char *words_part(struct arena *a, const struct finding *f, const struct part *part);
/* "heap cache.len, 8 bytes at 0x.., allocated at cache.c:3 in cache_new". */
const char *words_where(struct arena *a, const struct finding *f);
/* " by goroutine 3", or nothing: ends "was created". */
const char *words_created_by(struct arena *a, const struct part *p);
/* 'goroutine 7 "filler"' of a step: the name that its participant has. */
const char *words_step_who(struct arena *a, const struct finding *f, const struct step *step);

/* "src/cache.c:41:5". */
const char *words_place(struct arena *a, const struct frame *f);
/* "cache.c:41": no directory, for narrow columns. A frame without a line gives its function. */
const char *words_short_place(struct arena *a, const struct frame *f);
/* The place that stands for f in a line of text, and the function there ("??"). */
const char *words_summary_place(struct arena *a, const struct finding *f, const char **ret_function);
/* Is the file below --source-root, or below the current directory without one? */
bool words_inside(struct arena *a, const struct frame *f);
/* The frame of st that a reader wants to see: the first inside the sources, else the first with a line,
 * else the first, else NULL. */
const struct frame *words_frame(struct arena *a, const struct stack *st);
/* The same for a whole finding: of the participant that *ret_part names, or of the object's birth
 * (*ret_part NULL). NULL when there is no frame at all. */
const struct frame *words_primary(struct arena *a, const struct finding *f, const struct part **ret_part);

/* A URI: relative and percent-encoded below the source root, else file:///. */
const char *words_uri(struct arena *a, const char *path);
/* file:/// in any case; path is absolute. */
const char *words_file_uri(struct arena *a, const char *path);
/* Valid UTF-8 without control characters but tab and line feed: what JSON, XML and HTML can all carry.
 * What is neither becomes "?". */
const char *words_clean(struct arena *a, const char *text);
/* Is what everybody was doing part of the report? When the program was stopped by its time limit, and from the recording
 * of a process that was killed. */
bool words_dumps_shown(const struct report *r, const struct process *p);
/* Two goroutines of a hung program that stand at the same place in the same state. */
bool words_same_place(const struct dump *a, const struct dump *b);

#endif
