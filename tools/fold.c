/* SPDX-License-Identifier: Apache-2.0
 * fold.c: one bug, one finding, however often and in however many processes it was seen.
 *
 * Analyzers already count what repeats inside one process. What is left are children that ran the same
 * code, and bugs that analyzers tell apart by address and a reader would not: ten objects from one line,
 * one leak for each request.
 */
#include "fingerprint.h"

#include <string.h>

/* Quadratic, over findings that analyzers have already made one per bug and process: few. */
static struct finding *same_before(struct report *r, size_t i)
{
	for (size_t k = 0; k < i; k++) {
		struct finding *f = r->findings[k];

		if (!f->folded && !f->suppressed && strcmp(f->fingerprint, r->findings[i]->fingerprint) == 0)
			return f;
	}
	return NULL;
}

/* The first stands for all, because its story is the earliest. */
void fold_findings(struct report *r)
{
	for (size_t i = 0; i < r->n_findings; i++) {
		struct finding *f = r->findings[i], *first;

		if (f->suppressed || (first = same_before(r, i)) == NULL)
			continue;
		first->count += f->count;
		f->folded = true;
	}
}
