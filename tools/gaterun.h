/* SPDX-License-Identifier: Apache-2.0
 *
 * gaterun.h: run a command under the gate, once or several times, and judge; what "gosan gate" and "gosan baseline
 * ... -- COMMAND" share.
 */
#ifndef GATERUN_H
#define GATERUN_H

#include "report.h"
#include "settings.h"

#include <argp.h>

#define GATERUN_MAX 1000

struct gaterun {
	struct settings settings;
	unsigned runs;
	char **command;
};

/* --runs=N; its input is a struct gaterun. settings_argp is its child. */
extern const struct argp gaterun_argp;

/* Fill r, which raw_report_new made, up to its verdict. 0, or the exit status when there is nothing to show, after
 * a message. */
int gaterun_run(struct gaterun *g, struct report *r);

#endif
