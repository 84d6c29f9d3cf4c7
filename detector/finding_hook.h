/* SPDX-License-Identifier: Apache-2.0
 *
 * finding_hook.h: what the process around the findings may want to do at one. Apart from finding.h, because
 * analyzers have no business here. All under the engine lock.
 */
#ifndef GOSAN_FINDING_HOOK_H
#define GOSAN_FINDING_HOOK_H

#include "finding.h"

/* Called for each new finding, before its line is written: opens a stream that waits for its first use, or
 * prints when nobody else will. NULL: nothing. */
extern void (*gosan_finding_seen)(const struct gosan_finding *f);
/* halt_on_error: called after the line was written; ends the process. NULL: go on. */
extern void (*gosan_finding_halt)(void);
/* After fork, in the child: what was reported before is the parent's. */
void gosan_finding_forked(void);
/* "data-race" for 101. */
const char *gosan_finding_kind(int code);

#endif
