/* SPDX-License-Identifier: Apache-2.0
 * recording.h: what run and gate do with a recording when the program has ended. */
#ifndef RECORDING_H
#define RECORDING_H

#include <sys/types.h>

/* The program `pid` was killed, which it could not note itself: status, as a shell has it, goes into its recording. Does
 * nothing where the program did note its end, or nothing is recorded. */
void recording_killed(pid_t pid, int status);
/* Pack it if one file was asked for, and say how to read it. A recording that cannot be packed stays a folder, and
 * that is said; status is returned in any case. */
int recording_finish(int status);

#endif
