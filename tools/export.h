/* SPDX-License-Identifier: Apache-2.0
 *
 * export.h: a recording in the formats of other tools. Each format is a function over the recording of one process;
 * cmd_export.c has the table.
 */
#ifndef EXPORT_H
#define EXPORT_H

#include "arena.h"
#include "trace.h"

#include <stdio.h>

/* What a format gets. It may go through the recording as often as it likes (trace_rewind); what it writes goes to out
 * alone, and what is missing of the recording is told by the command. Names and tables are the arena's, and end with it:
 * an export is one pass of one process. */
struct export_job {
	struct arena *a;     /* for what it needs on the way */
	struct trace *t;     /* at its beginning */
	const char *process; /* path of the recording */
	FILE *out;
	FILE *locations;      /* std: what the numbers of locations mean; NULL: nobody asked */
	uint64_t most_memory; /* std: bytes that may be kept apart; 0: STDMEM_MOST */
	uint64_t n;           /* lines or events written, for the last word */
};

/* 0, or -errno with one sentence in err. A full disk shows in ferror(out). */
int export_std(struct export_job *x, char *err, size_t err_size);
int export_chrome(struct export_job *x, char *err, size_t err_size);

#endif
