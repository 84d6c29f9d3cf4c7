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

#endif
