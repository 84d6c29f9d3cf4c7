/* SPDX-License-Identifier: Apache-2.0
 *
 * baseline.h: the findings that a project has and knows: a sorted text file in its repository. What is in it does
 * not fail a run; what is not seen any more is named. One finding a line:
 *
 *	957fcc3b93f4016d36d8bd0e5b5510fa GS401 Add on wg can be overtaken by Wait
 *
 * Only the fingerprint counts, the rest is for readers. "#" begins a comment line; those above an entry stay with
 * it, those above the first blank line stay on top of the file.
 */
#ifndef BASELINE_H
#define BASELINE_H

#include "render.h"
#include "report.h"

struct baseline_entry {
	const char *fingerprint, *code, *title;
	const char *comment; /* whole lines above it, or "" */
	unsigned line;       /* 0: new */
	uint64_t hits;
};

struct baseline {
	struct arena *a;
	const char *file;
	const char *head, *tail; /* comments at the beginning and after the last entry */
	size_t n;
	struct baseline_entry *entries; /* sorted */
};

/* 0, or -errno with one sentence in err: -EBADMSG names a bad line and what to do, else the file cannot be read.
 * -ENOENT gives an empty baseline with its file name, so that an update may make it. */
int baseline_read(struct baseline *ret, struct arena *a, const char *path, char *err, size_t err_size);
/* Replace the file as a whole. 0, or -errno with a sentence in err. */
int baseline_write(struct baseline *b, char *err, size_t err_size);
/* NULL when it is not there. */
struct baseline_entry *baseline_find(const struct baseline *b, const char *fingerprint);
void baseline_add(struct baseline *b, const char *fingerprint, const char *code, const char *title);
/* Mark the findings of r that r->baseline knows, count the hits. Fingerprints must be there. */
void baseline_findings(struct report *r);
/* What --baseline says, read into r->baseline. 0, or the exit status of the tool with a sentence in err. */
int baseline_load(struct report *r, char *err, size_t err_size);
/* For the text report of a gate: entries that nothing showed. */
void baseline_page(struct page *p, const struct report *r);

#endif
