/* SPDX-License-Identifier: Apache-2.0
 * pipeline.h: streams in, reports out: read, name, fingerprint, suppress, fold, judge, render. */
#ifndef PIPELINE_H
#define PIPELINE_H

#include "settings.h"

struct pipeline {
	const char *dir; /* with the streams */
	pid_t main_pid;  /* 0: find out */
	int exit_status; /* of the program; -1: from the stream */
	bool timed_out;
};

/* Returns the exit status of the tool. */
int pipeline_run(const struct pipeline *in, struct settings *s);

/* --- In steps, for whoever fills a report in another way (gate) --- */

/* Suppressions and baseline. 0, or the exit status of the tool with a sentence in err. */
int pipeline_lists(struct report *r, char *err, size_t err_size);
/* From streams to findings that are suppressed and folded. The verdict comes next. */
void pipeline_judge(struct report *r);
/* Write the reports of a report that has its verdict. Returns the exit status of the tool. */
int pipeline_show(struct report *r, struct settings *s);

#endif
