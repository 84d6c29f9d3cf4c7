/* SPDX-License-Identifier: Apache-2.0
 *
 * gate.c: rows and the merged verdict.
 *
 * Memory is bounded by the number of different command lines, not of processes: an image is added to its row and
 * forgotten, unless it has findings. The verdict is that of a run of one program (verdict.c), except that one
 * process that crashed or was killed, as death tests do on purpose, doesn't make the whole blind: it stands in its
 * row and in what was not checked. What was lost does.
 */
#include "gate.h"

#include "options.h"
#include "target.h"
#include "tool.h"
#include "verdict.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

void gate_begin(struct report *r)
{
	r->gate = arena_alloc(r->arena, sizeof *r->gate);
	r->gate->n_slots = 64;
	r->gate->slots = arena_alloc(r->arena, 64 * sizeof *r->gate->slots);
}

/* --- Rows ------------------------------------------------------------------------------------------------- */

/* The locks of a program with one thread, as interpreters and ctest take them, have nobody to race with: a run that
 * saw no more than those checked nothing. */
static bool was_checked(const struct process *p, bool has_findings)
{
	return has_findings || p->counters[COUNTER_accesses] || p->counters[COUNTER_goroutines] ||
	       (p->counters[COUNTER_events] && p->counters[COUNTER_threads] > 1);
}

/* FNV-1a, with the final zeros of the words: "a b" and "a", "b" differ. */
static uint64_t hash_word(uint64_t h, const char *s)
{
	do
		h = (h ^ (unsigned char)*s) * 0x100000001b3u;
	while (*s++);
	return h;
}

static uint64_t hash_row(const char *program, const char *const *argv, size_t n, bool checked)
{
	uint64_t h = hash_word(0xcbf29ce484222325u ^ checked, program);

	for (size_t i = 0; i < n; i++)
		h = hash_word(h, argv[i]);
	return h;
}

static bool same_row(const struct gate_row *row, const char *program, const char *const *argv, size_t n,
		     bool checked)
{
	if (row->checked != checked || row->n_argv != n || strcmp(row->program, program) != 0)
		return false;
	for (size_t i = 0; i < n; i++)
		if (strcmp(row->argv[i], argv[i]) != 0)
			return false;
	return true;
}

/* Linear probing; the empty slot that ends the search is where a new row goes. */
static struct gate_row **slot_of(const struct gate *g, const char *program, const char *const *argv, size_t n,
				 bool checked)
{
	size_t i = hash_row(program, argv, n, checked) & (g->n_slots - 1);

	while (g->slots[i] && !same_row(g->slots[i], program, argv, n, checked))
		i = (i + 1) & (g->n_slots - 1);
	return &g->slots[i];
}

/* The old table stays in the arena: all of them together are as large as the new one. */
static void grow(struct report *r)
{
	struct gate *g = r->gate;

	if (2 * (g->n_rows + 1) <= g->n_slots)
		return;
	g->n_slots *= 2;
	g->slots = arena_alloc(r->arena, g->n_slots * sizeof *g->slots);
	for (size_t i = 0; i < g->n_rows; i++) {
		const struct gate_row *row = g->rows[i];

		*slot_of(g, row->program, row->argv, row->n_argv, row->checked) = g->rows[i];
	}
}

/* Programs that show nothing to check are one row whatever their arguments: a compiler runs a thousand times with
 * a thousand command lines. */
static struct gate_row *row_of(struct report *r, const struct process *p, bool checked)
{
	struct gate *g = r->gate;
	size_t n = checked ? p->n_argv : 0;

	grow(r);
	struct gate_row **slot = slot_of(g, p->program, p->argv, n, checked), *row = *slot;
	if (row)
		return row;
	row = *slot = arena_alloc(r->arena, sizeof *row);
	row->program = arena_strdup(r->arena, p->program);
	row->n_argv = n;
	row->argv = arena_alloc(r->arena, n * sizeof *row->argv);
	for (size_t i = 0; i < n; i++)
		row->argv[i] = arena_strdup(r->arena, p->argv[i]);
	row->checked = checked;
	g->rows = arena_grow(r->arena, g->rows, g->n_rows, sizeof(struct gate_row *));
	return g->rows[g->n_rows++] = row;
}

/* Of a process that goes on the end is not known; in a run of one program that is told the same way. */
static void tell_end(struct report *r, struct gate_row *row, const struct process *p)
{
	const char *slash = strrchr(p->program, '/'), *name = slash ? slash + 1 : p->program;

	if (!*p->why && p->pid > 0 && (kill(p->pid, 0) == 0 || errno == EPERM)) {
		verdict_not_checked(
			r, arena_printf(r->arena, "process %d (%s), which goes on", (int)p->pid, name));
		return;
	}
	row->killed += !*p->why;
	row->crashed += strcmp(p->why, "crash") == 0;
	row->timed_out += strcmp(p->why, "timeout") == 0;
	if (!*p->why)
		verdict_not_checked(r, arena_printf(r->arena, "what came after %s was killed", name));
	else if (strcmp(p->why, "crash") == 0 && row->checked)
		verdict_not_checked(r,
				    arena_printf(r->arena, "what came after %s panicked or crashed", name));
	else if (strcmp(p->why, "timeout") == 0)
		verdict_not_checked(
			r, arena_printf(r->arena, "what came after %s was stopped by --timeout", name));
}

/* A driver whose locks were watched (an interpreter, ctest) has a list of all its libraries, which nobody wants to
 * read: one word for it. */
static void tell_not_checked(struct report *r, const struct process *p)
{
	const char *slash = strrchr(p->program, '/');

	if (p->n_not_checked && !p->counters[COUNTER_accesses] && !p->counters[COUNTER_goroutines]) {
		verdict_not_checked(r, arena_printf(r->arena,
						    "memory accesses in %s: only its locks and threads",
						    slash ? slash + 1 : p->program));
		return;
	}
	for (size_t i = 0; i < p->n_not_checked; i++)
		verdict_not_checked(r, p->not_checked[i]);
}

/* A shell that forks and execs is no image worth counting. A driver's crash is no news either, but what was
 * killed may have been about to show something. */
void gate_image(struct report *r, const struct process *p, bool has_findings)
{
	bool checked = was_checked(p, has_findings);

	if (!checked && strcmp(p->why, "exec") == 0)
		return;
	struct gate_row *row = row_of(r, p, checked);
	r->gate->processes++;
	row->processes++;
	if (p->status)
		row->status = p->status;
	for (size_t i = 0; i < COUNTER_COUNT; i++)
		row->counters[i] += p->counters[i];
	if (checked)
		tell_not_checked(r, p);
	tell_end(r, row, p);
}

/* --- Unseen ----------------------------------------------------------------------------------------------- */

/* This very tool strips the library from itself. */
static bool is_tool(const char *path)
{
	struct stat a, b;

	return stat(path, &a) == 0 && stat("/proc/self/exe", &b) == 0 && a.st_ino == b.st_ino &&
	       a.st_dev == b.st_dev;
}

/* The reason is looked for in the file; without one there the starter must have dropped LD_PRELOAD. */
void gate_unseen(struct report *r, const char *path)
{
	struct gate *g = r->gate;
	char found[TOOL_PATH_MAX], err[TOOL_ERROR_MAX];
	const char *why = "started without LD_PRELOAD (env -i, or another user?)", *colon;

	for (size_t i = 0; i < g->n_unseen; i++)
		if (strcmp(g->unseen[i].path, path) == 0) {
			g->unseen[i].count++;
			return;
		}
	if (target_find(path, found, sizeof found, err, sizeof err) != 0)
		why = "no longer there";
	else if (is_tool(found))
		return;
	else if (target_check(found, err, sizeof err) != 0 && (colon = strstr(err, ": ")) != NULL &&
		 strncmp(colon, ": a script", 10) != 0)
		why = arena_printf(r->arena, "%.*s", (int)strcspn(colon + 2, ":;"), colon + 2);
	g->unseen = arena_grow(r->arena, g->unseen, g->n_unseen, sizeof *g->unseen);
	g->unseen[g->n_unseen++] = (struct gate_unseen){arena_strdup(r->arena, path), why, 1};
}

void gate_unreadable(struct report *r, const char *what)
{
	r->gate->n_unreadable++;
	verdict_not_checked(r, what);
}

/* --- The verdict ------------------------------------------------------------------------------------------ */

/* A finding stands in the row of each command line that showed it. */
static void place_findings(struct report *r)
{
	for (size_t i = 0; i < r->n_findings; i++) {
		const struct finding *f = r->findings[i];

		for (size_t k = 0; !f->suppressed && !f->folded && k < f->n_seen; k++) {
			struct gate_row *row = row_of(r, f->seen[k], true);

			if (row->n_findings && row->findings[row->n_findings - 1] == f)
				continue;
			row->findings = arena_grow(r->arena, row->findings, row->n_findings,
						   sizeof(struct finding *));
			row->findings[row->n_findings++] = f;
		}
	}
}

/* What the command itself was stands for "the program" in formats that know only one. */
static const struct process *command(struct report *r, const char *path, char **argv, int status)
{
	struct process *p = arena_alloc(r->arena, sizeof *p);

	p->program = arena_strdup(r->arena, path);
	p->cwd = p->options = "";
	while (argv[p->n_argv])
		p->n_argv++;
	p->argv = arena_alloc(r->arena, p->n_argv * sizeof *p->argv);
	for (size_t i = 0; i < p->n_argv; i++)
		p->argv[i] = arena_strdup(r->arena, argv[i]);
	p->why = "exit";
	p->status = status;
	return p;
}

void gate_decide(struct report *r, const char *path, char **argv, int status)
{
	struct gate *g = r->gate;

	r->main = command(r, path, argv, status);
	r->exit_status = status;
	r->checks = verdict_checks(r->arena);
	if (status > 128 && status <= 128 + 64)
		r->cut = arena_printf(r->arena, "the command was stopped by signal %d", status - 128);
	if (r->cut)
		verdict_not_checked(r, arena_printf(r->arena, "what came after %s", r->cut));
	for (size_t i = 0; i < g->n_rows; i++) {
		r->saw_something |= g->rows[i]->checked;
		r->timed_out |= g->rows[i]->timed_out > 0;
		for (size_t k = 0; k < COUNTER_COUNT; k++)
			r->counters[k] += g->rows[i]->counters[k];
	}
	if (!r->cut && r->timed_out)
		r->cut = "a program was stopped by --timeout";
	for (size_t i = 0; i < g->n_unseen; i++)
		verdict_not_checked(r, arena_printf(r->arena, "%s: %s", g->unseen[i].path, g->unseen[i].why));
	verdict_count(r);
	place_findings(r);
	bool whole = r->saw_something && *r->checks && !r->cut && !g->n_unreadable && !verdict_lost(r);
	r->verdict = r->n_shown ? VERDICT_FINDINGS : whole ? VERDICT_CLEAN : VERDICT_BLIND;
}
