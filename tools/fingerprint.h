/* SPDX-License-Identifier: Apache-2.0
 *
 * fingerprint.h: the name of a bug: equal in every run, under every seed, on every machine, after edits
 * elsewhere; different for different bugs. Made of the kind, the functions of the participants (in no order:
 * "current" and "previous" depend on the schedule) and the kind and name of the object. No addresses, no lines.
 */
#ifndef FINGERPRINT_H
#define FINGERPRINT_H

#include "report.h"

/* Fill f->fingerprint of a resolved finding. */
void fingerprint_finding(struct arena *a, struct finding *f);
/* fold.c: of findings with one fingerprint the first stands for all: its count is their sum, the others are
 * marked folded. Suppressed findings are left alone. */
void fold_findings(struct report *r);

#endif
