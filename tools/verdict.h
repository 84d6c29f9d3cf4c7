/* SPDX-License-Identifier: Apache-2.0
 *
 * verdict.h: what a run comes to: clean, findings, or blind; the exit status; the one line that says what was
 * checked and what was not.
 */
#ifndef VERDICT_H
#define VERDICT_H

#include "report.h"

/* A program that never reached its own end: the tool or the library stopped it. */
#define VERDICT_TIMEOUT_STATUS 124

/* Fill the verdict part of r. main_pid 0: the process that no other one of r started. exit_status: the
 * program's own, or -1 to take it from the stream. */
void verdict_decide(struct report *r, pid_t main_pid, int exit_status, bool timed_out);
/* The status that gosan exits with. */
int verdict_exit(const struct report *r);
/* "gosan: clean: 1,204 events, ...", "gosan: 2 findings in prog ...", "gosan: blind: ...". Without line end. */
const char *verdict_line(const struct report *r);
/* --- What the verdict over many processes (gate.c) is made of as well --- */

/* Add to what the report says was not checked, unless it is there. The text is copied. */
void verdict_not_checked(struct report *r, const char *name);
/* Fill n_shown, n_suppressed, n_baselined. */
void verdict_count(struct report *r);
/* Was an event, an access or the like lost, which may have been half of a bug? */
bool verdict_lost(const struct report *r);
/* "race leak ...": the checks that are on. */
const char *verdict_checks(struct arena *a);
/* "1,204 events, 88 accesses, ..., 0 lost, 1 suppressed" */
const char *verdict_seen(const struct report *r);
/* "; not checked: ...", or "". */
const char *verdict_unchecked(const struct report *r);
/* "1 thread", "1,204 threads" */
const char *verdict_several(struct arena *a, uint64_t n, const char *one, const char *many);
/* "1,204" */
const char *verdict_number(struct arena *a, uint64_t n);

#endif
