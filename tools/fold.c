/* SPDX-License-Identifier: Apache-2.0
 * fold.c: one bug, one finding, however often and in however many processes it was seen.
 *
 * Analyzers already count what repeats inside one process. What is left are children that ran the same
 * code, and bugs that analyzers tell apart by address and a reader would not: ten objects from one line,
 * one leak for each request. A test run may bring thousands, hence the table: open addressing by the first
 * digits of the fingerprint, which is a hash already.
 */
#include "fingerprint.h"

#include <stdlib.h>
#include <string.h>

/* What a baseline knows is folded like the rest, since it is counted; what is suppressed is left alone. */
static bool left_alone(const struct finding *f)
{
	return f->suppressed && !f->baselined;
}

/* The place of f in the table: that of the finding which stands for it, or a free one. */
static struct finding **place(struct finding **table, size_t size, const struct finding *f)
{
	char digits[17];

	memcpy(digits, f->fingerprint, 16);
	digits[16] = '\0';
	size_t i = strtoull(digits, NULL, 16) & (size - 1);
	while (table[i] && strcmp(table[i]->fingerprint, f->fingerprint) != 0)
		i = (i + 1) & (size - 1);
	return &table[i];
}

/* Findings of one image lie together. */
static void note_image(struct arena *a, struct finding *first, const struct process *p)
{
	if (first->n_seen && first->seen[first->n_seen - 1] == p)
		return;
	first->seen = arena_grow(a, first->seen, first->n_seen, sizeof(struct process *));
	first->seen[first->n_seen++] = p;
}

/* The first stands for all, because its story is the earliest. */
void fold_findings(struct report *r)
{
	size_t size = 16;

	while (size < 2 * r->n_findings)
		size *= 2;
	struct finding **table = arena_alloc(r->arena, size * sizeof(struct finding *));
	for (size_t i = 0; i < r->n_findings; i++) {
		struct finding *f = r->findings[i];

		if (left_alone(f))
			continue;
		struct finding **first = place(table, size, f);
		if (*first) {
			(*first)->count += f->count;
			f->folded = true;
		} else {
			*first = f;
		}
		note_image(r->arena, *first, f->process);
	}
}
