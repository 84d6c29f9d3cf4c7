/* SPDX-License-Identifier: Apache-2.0
 *
 * objname.h: what a finding is about, in the program's own words. Order of trust: debug information of
 * variables; the statement that made the object; the statement that used it first.
 */
#ifndef OBJNAME_H
#define OBJNAME_H

#include "symbolize.h"

/* Fill kind, name and stable_name of f->object; its stacks are symbolized. */
void objname_object(struct symbolizer *z, struct arena *a, struct finding *f);
/* The same for a lock that was held; `created` is its acquisition. */
void objname_lock(struct symbolizer *z, struct arena *a, const struct process *p, struct object *lock);
/* What was made at this frame: "sem", or "made at prog.c:12". */
const char *objname_made(struct arena *a, const struct frame *f);
/* The name, or the best that can be said: "a local of main", "chan made at prog.c:12". */
const char *objname_label(struct arena *a, const struct object *o);

#endif
