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

struct export
{
	struct arena *a;
	struct trace *t;
	const char *process; /* path of the recording */
	FILE *out;
	FILE *locations; /* std: what the numbers of locations mean; NULL: nobody asked */
	uint64_t n;      /* lines or events written, for the last word */
};

/* 0, or -errno with one sentence in err. A full disk shows in ferror(out). */
int export_std(struct export *x, char *err, size_t err_size);
int export_chrome(struct export *x, char *err, size_t err_size);

#endif
