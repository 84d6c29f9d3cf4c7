/* SPDX-License-Identifier: Apache-2.0
 *
 * session.h: the files of this process: where its stream and counters go, and what a fork, an exec and the
 * end do to them. Knows the environment (GOSAN_OUT); knows nothing of events.
 */
#ifndef GOSAN_SESSION_H
#define GOSAN_SESSION_H

#include "engine.h"

#include <stdbool.h>

/* argv for the start line. Writes to GOSAN_OUT when the tool runs around us; else waits for a first finding. */
void gosan_session_init(int argc, char **argv);
/* Is this the process that was initialised, rather than a child that shares its memory (vfork)? */
bool gosan_session_is_ours(void);
/* Was it made by fork, without an exec since? */
bool gosan_session_forked(void);
/* Where the tool reads the files of all processes; "" without it. */
const char *gosan_session_dir(void);
/* Close the books; without the tool, render. The exit status to end with. */
int gosan_session_end(enum gosan_end why, int status);
/* The end line for a program that will be another one in a moment. */
void gosan_session_exec(void);
/* pthread_atfork. */
void gosan_session_fork_prepare(void);
void gosan_session_fork_parent(void);
void gosan_session_fork_child(void);

#endif
