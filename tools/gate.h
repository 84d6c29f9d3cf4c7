/* SPDX-License-Identifier: Apache-2.0
 *
 * gate.h: what many processes come to: one verdict, a row for each test program, what ran unseen. Reads the
 * images that sweep.c hands it; knows no files.
 *
 * A test run is mostly drivers (shells, make, ctest, compilers) that show nothing to check. They have a row each
 * by program, and touch the verdict only when there is nothing else.
 */
#ifndef GATE_H
#define GATE_H

#include "render.h"
#include "report.h"

/* Of one command line, or of one program that showed nothing to check. */
struct gate_row {
	const char *program; /* path */
	size_t n_argv;
	const char **argv;
	bool checked;       /* an access, a goroutine, events of several threads, or a finding was seen */
	uint64_t processes; /* program images: a fork is one, an exec another */
	uint64_t crashed, killed, timed_out;
	int status; /* the last one that was not 0 */
	uint64_t counters[COUNTER_COUNT];
	/* Filled by gate_decide: what is shown of this row. */
	size_t n_findings;
	const struct finding **findings;
};

/* Started by a process that was seen, and never heard of. */
struct gate_unseen {
	const char *path, *why;
	uint64_t count;
};

struct gate {
	unsigned runs; /* how often the command was run */
	uint64_t processes;
	size_t n_rows, n_unseen, n_unreadable;
	struct gate_row **rows; /* in the order of first appearance */
	struct gate_unseen *unseen;
	/* An index of rows by hash of program and arguments; n_slots is a power of two, at most half full. */
	size_t n_slots;
	struct gate_row **slots;
};

/* Give r a gate. */
void gate_begin(struct report *r);
/* Take note of an image; p may be gone afterwards. */
void gate_image(struct report *r, const struct process *p, bool has_findings);
/* The program at `path` was started and left no stream; "" where that is no loss. */
void gate_unseen(struct report *r, const char *path);
/* A stream was there and could not be read. */
void gate_unreadable(struct report *r, const char *what);
/* Fill the verdict part of r: `argv` is the command, `path` its file, `status` the first of its exit statuses that
 * is not 0. Findings must be folded. */
void gate_decide(struct report *r, const char *path, char **argv, int status);

/* --- gate_text.c --- */

/* A line for each program, the findings with the programs that showed them, what was not seen. */
void gate_page(struct page *p, const struct report *r);
/* "gosan: gate: clean: ..." */
const char *gate_line(const struct report *r);
/* The command line of a row, or of an image, as a shell would take it. */
const char *gate_command(struct arena *a, const char *program, const char *const *argv, size_t n);
/* The worst that can be said of it, in one word: "FINDINGS", "crashed", "clean"; "": nothing to check. */
const char *gate_row_result(const struct gate_row *row);
bool gate_row_shows(const struct gate_row *row, const struct finding *f);
/* In how many of the repetitions was f seen? */
unsigned gate_runs_of(const struct finding *f);

#endif
