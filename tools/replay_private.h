/* SPDX-License-Identifier: Apache-2.0
 * replay_private.h: what replay_run.c (the process) and replay.c (its records) share. In a process of its own: the
 * detector's core has one state. */
#ifndef REPLAY_PRIVATE_H
#define REPLAY_PRIVATE_H

#include "replay.h"
#include "trace.h"

/* The analyzers have judged the end: the recording had one. */
extern bool replay_finished;
/* What was before this is overwritten (a ring), in part; 0: nothing is. All that can order two accesses after it comes
 * after it as well, so they are checked; everything that needs the whole story is not. */
extern uint64_t replay_cut_ns;

/* Before the first record. 0 or -ENOMEM. */
int replay_begin(struct trace *t);
/* Of a ring: everybody whom the table has, in the order of their numbers. Tables of the core are loaded. */
void replay_need_actors(void);
void replay_record(const struct trace_event *e);

#endif
