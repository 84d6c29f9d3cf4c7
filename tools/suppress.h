/* SPDX-License-Identifier: Apache-2.0
 *
 * suppress.h: findings that the user doesn't want to see. ThreadSanitizer's file format: one "type:pattern" a
 * line, "#" begins a comment; in a pattern "*" stands for any text, "^" and "$" anchor it, and without them
 * it may match anywhere. A pattern is tried on function, file and module of every frame and on the names of
 * the object and of the locks.
 *
 * Types: race, deadlock, leak, thread, mutex, signal, called_from_lib (ThreadSanitizer's and LeakSanitizer's);
 * every check (waitgroup, channel, lock, resource), every kind (double-lock) and code (GS204) of ours; and
 * fingerprint, whose pattern is compared as a whole.
 *
 * A line may end with a date, "race:^bump$ expires=2027-01-31": after that day it no longer suppresses.
 */
#ifndef SUPPRESS_H
#define SUPPRESS_H

#include "report.h"

struct suppression {
	const char *type, *pattern, *file;
	const char *expires; /* YYYY-MM-DD, or "" */
	bool expired;
	unsigned line;
	uint64_t hits;
};

/* Read a file into r->suppressions. 0, or -errno with one sentence in err (-EINVAL: a bad line, named). */
int suppress_read(struct report *r, const char *path, char *err, size_t err_size);
/* Mark the findings that match, count the hits. Fingerprints must be there. */
void suppress_findings(struct report *r);
/* The line that would suppress f: "race:^bump$". */
const char *suppress_line(struct arena *a, const struct finding *f);
/* Exposed for tests: does pattern match text? */
bool suppress_match(const char *pattern, const char *text);

#endif
