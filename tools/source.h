/* SPDX-License-Identifier: Apache-2.0
 *
 * source.h: lines of source files, and the names that can be read off them. A line of a file that is not
 * there is simply unknown.
 */
#ifndef SOURCE_H
#define SOURCE_H

#include "arena.h"

#include <stdbool.h>

/* Line number `line` (from 1) without its line end, or NULL. Files are read once per report. */
const char *source_line(struct arena *a, const char *file, unsigned line);
/* Forget what was read; before the arena that was used goes. */
void source_forget(void);

/* Left-hand side of an assignment from a call: "jobs" of "go_chan(int) jobs = go_make(int, 3);", "s->jobs" of
 * "s->jobs = go_make(...)". NULL when the line is none. */
const char *source_assigned(struct arena *a, const char *line);
/* The same of the assignment from the call in this column, of several in the line; column 0: the first. */
const char *source_assigned_at(struct arena *a, const char *line, unsigned column);
/* First argument of the first synchronisation call in the line, without "&": "c->mu" of
 * "go_mutex_lock(&c->mu);". NULL when there is none. */
const char *source_sync_argument(struct arena *a, const char *line);
/* Identifier number `index` (from 0) that the line takes the address of: "i" of "go(worker, &i);". */
const char *source_address_of(struct arena *a, const char *line, unsigned index);
/* "mu" of "c->pool[3].mu": what different callers agree on. */
const char *source_last_component(const char *name);
/* Length of the identifier or operator at text, at least 1: what a caret underlines. */
size_t source_token_length(const char *text);

#endif
