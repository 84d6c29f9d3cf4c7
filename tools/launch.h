/* SPDX-License-Identifier: Apache-2.0
 *
 * launch.h: one child under the detector.
 */
#ifndef LAUNCH_H
#define LAUNCH_H

#include <stdbool.h>
#include <sys/types.h>

struct launch {
	const char *path; /* the file; argv[0] is what the program sees */
	char **argv;
	const char *preload; /* libgosan.so and the shims, as LD_PRELOAD has them */
	const char *out;     /* directory for the streams */
	const char *options; /* GOSAN_OPTIONS, "" leaves it unset */
	int timeout;         /* seconds after which the library stops it; 0: never */
	bool gate;           /* the program is a driver of many */
	/* Called about once a second while it runs, may be NULL. */
	void (*tick)(void *arg);
	void *arg;
	/* Filled */
	pid_t pid;
	int status;  /* exit status, 128 + n for death by signal n */
	bool killed; /* it did not even stop at its timeout */
};

/* Run it and wait. Signals that others send to this process are passed on to it; those of a terminal reach
 * it anyway. 0, or -errno when it could not be started. */
int launch_run(struct launch *l);

#endif
