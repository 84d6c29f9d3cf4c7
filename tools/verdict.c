/* SPDX-License-Identifier: Apache-2.0
 *
 * verdict.c: a silent detector must show that it was awake. "clean" therefore needs something that was seen:
 * a goroutine, a synchronisation event, an access, or at least an instrumented module; else it is "blind".
 *
 * The exit status is a contract (README): 0 clean, 66 findings, 77 blind, 124 timeout without findings,
 * and the program's own status before all of them. The line repeats what a reader of a long log needs to
 * trust a "clean": how much was seen, how much was lost (0), what was not checked.
 */
#include "verdict.h"

#include "finding.h"
#include "gate.h"
#include "options.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* Enough to recognise what is meant, few enough for a line. */
#define NAMED_MAX 4

const char *verdict_number(struct arena *a, uint64_t n)
{
	const char *text = "";

	for (; n >= 1000; n /= 1000)
		text = arena_printf(a, ",%03u%s", (unsigned)(n % 1000), text);
	return arena_printf(a, "%" PRIu64 "%s", n, text);
}

/* Whoever was started by none of the others. After an exec one process has several images; the first one
 * names the run. */
static const struct process *find_main(const struct report *r, pid_t pid)
{
	for (size_t i = 0; pid && i < r->n_processes; i++)
		if (r->processes[i]->pid == pid)
			return r->processes[i];
	for (size_t i = 0; i < r->n_processes; i++) {
		bool started_here = false;

		for (size_t k = 0; k < r->n_processes; k++)
			started_here |= r->processes[k]->pid == r->processes[i]->ppid;
		if (!started_here)
			return r->processes[i];
	}
	return r->n_processes ? r->processes[0] : NULL;
}

/* Children run the same libraries: each name once. */
void verdict_not_checked(struct report *r, const char *name)
{
	for (size_t i = 0; i < r->n_not_checked; i++)
		if (strcmp(r->not_checked[i], name) == 0)
			return;
	r->not_checked = arena_grow(r->arena, r->not_checked, r->n_not_checked, sizeof *r->not_checked);
	r->not_checked[r->n_not_checked++] = arena_strdup(r->arena, name);
}

/* A process that outlives its parent, such as a daemon, goes on unseen: its leaks and what it does from now on
 * are in no report. Zombies have written their end. */
static void tell_running(struct report *r, const struct process *p)
{
	const char *slash = strrchr(p->program, '/');

	if (p != r->main && p->pid > 0 && !*p->why && (kill(p->pid, 0) == 0 || errno == EPERM))
		verdict_not_checked(r, arena_printf(r->arena, "process %d (%s), which goes on", (int)p->pid,
						    slash ? slash + 1 : p->program));
}

/* Of what is known each bug counts once; of what is suppressed each sighting. */
void verdict_count(struct report *r)
{
	for (size_t i = 0; i < r->n_findings; i++) {
		const struct finding *f = r->findings[i];

		r->n_shown += !f->suppressed && !f->folded;
		r->n_suppressed += f->suppressed && !f->baselined;
		r->n_baselined += f->baselined && !f->folded;
	}
}

/* Over all processes; what was lost anywhere was lost. */
static void sum_up(struct report *r)
{
	for (size_t i = 0; i < r->n_processes; i++) {
		const struct process *p = r->processes[i];

		for (size_t k = 0; k < COUNTER_COUNT; k++)
			r->counters[k] += p->counters[k];
		for (size_t k = 0; k < p->n_not_checked; k++)
			verdict_not_checked(r, p->not_checked[k]);
		tell_running(r, p);
	}
	verdict_count(r);
}

/* The checks in the order of the table of findings. */
const char *verdict_checks(struct arena *a)
{
	static const char *const all[] = {"race",    "deadlock", "leak",    "waitgroup",
					  "channel", "lock",     "resource"};
	const char *text = "";

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (gosan_check_on(all[i]))
			text = arena_printf(a, "%s%s%s", text, *text ? " " : "", all[i]);
	return text;
}

/* A program that has the runtime but didn't use it was watched all the same: its zero events are a
 * result. */
static bool saw_something(const struct report *r)
{
	if (r->counters[COUNTER_events] || r->counters[COUNTER_accesses] || r->counters[COUNTER_goroutines])
		return true;
	for (size_t i = 0; i < r->n_processes; i++)
		for (size_t k = 0; k < r->processes[i]->n_modules; k++)
			if (r->processes[i]->modules[k].instrumented ||
			    strstr(r->processes[i]->modules[k].path, "/libgoroutine.so"))
				return true;
	return false;
}

/* A module that brings its own ThreadSanitizer was instrumented to be checked, and was not. A Go program's goroutines
 * are what its author wants watched, and nobody follows them. */
static bool has_unseen_part(const struct report *r)
{
	for (size_t i = 0; i < r->n_processes; i++)
		for (size_t k = 0; k < r->processes[i]->n_modules; k++)
			if (r->processes[i]->modules[k].own_tsan || r->processes[i]->modules[k].go)
				return true;
	return false;
}

/* Why the run is not the whole run, or NULL. Only an end that the library wrote is an end: leaks and what else
 * is judged at the end were judged then. */
static const char *cut_short(const struct report *r)
{
	if (r->timed_out)
		return "the program was stopped by --timeout";
	if (r->exit_status > 128 && !(r->main && strcmp(r->main->why, "exit") == 0))
		return arena_printf(r->arena, "the program died of signal %d", r->exit_status - 128);
	if (r->main && strcmp(r->main->why, "crash") == 0)
		return "the program panicked or crashed";
	return r->main && !*r->main->why ? "the program left without its end being seen" : NULL;
}

/* What was lost may have been half of a bug. A stack that was lost only makes a report poorer. */
bool verdict_lost(const struct report *r)
{
	for (size_t i = 0; i < COUNTER_COUNT; i++)
		if (i != COUNTER_stacks_lost && strstr(counter_names[i], "lost") && r->counters[i])
			return true;
	return false;
}

/* A process that was stopped has no status of its own worth showing. What was cut short is never clean, nor is
 * what was seen in part. */
void verdict_decide(struct report *r, pid_t main_pid, int exit_status, bool timed_out)
{
	r->main = find_main(r, main_pid);
	r->exit_status = exit_status >= 0 ? exit_status : r->main ? r->main->status : 0;
	r->timed_out = timed_out || (r->main && strcmp(r->main->why, "timeout") == 0);
	r->checks = verdict_checks(r->arena);
	r->cut = cut_short(r);
	if (r->cut)
		verdict_not_checked(r, arena_printf(r->arena, "what came after %s", r->cut));
	sum_up(r);
	r->saw_something = saw_something(r);
	if (r->n_shown)
		r->verdict = VERDICT_FINDINGS;
	else if (r->saw_something && *r->checks && !r->cut && !verdict_lost(r) && !has_unseen_part(r))
		r->verdict = VERDICT_CLEAN;
	else
		r->verdict = VERDICT_BLIND;
}

/* Findings replace a zero and nothing else: a test that fails keeps its own status, and its findings are
 * in the report. */
int verdict_exit(const struct report *r)
{
	/* How a stopped program died is our doing, so its status tells nothing. */
	if (r->timed_out && !(r->gate && r->exit_status))
		return r->verdict == VERDICT_FINDINGS ? gosan_options.exitcode : VERDICT_TIMEOUT_STATUS;
	if (r->exit_status != 0)
		return r->exit_status;
	switch (r->verdict) {
	case VERDICT_FINDINGS:
		return gosan_options.exitcode;
	case VERDICT_BLIND:
		return 77;
	case VERDICT_CLEAN:
		return 0;
	}
	return 70;
}

/* --- The line --------------------------------------------------------------------------------------- */

/* "1 thread", "12 threads" */
const char *verdict_several(struct arena *a, uint64_t n, const char *one, const char *many)
{
	return arena_printf(a, "%s %s", verdict_number(a, n), n == 1 ? one : many);
}

const char *verdict_seen(const struct report *r)
{
	struct arena *a = r->arena;
	const char *text = arena_printf(
		a, "%s, %s, %s", verdict_several(a, r->counters[COUNTER_events], "event", "events"),
		verdict_several(a, r->counters[COUNTER_accesses], "access", "accesses"),
		verdict_several(a, r->counters[COUNTER_goroutines], "goroutine", "goroutines"));

	if (r->counters[COUNTER_threads])
		text = arena_printf(a, "%s, %s", text,
				    verdict_several(a, r->counters[COUNTER_threads], "thread", "threads"));
	text = arena_printf(a, "%s, %s lost", text, verdict_number(a, r->counters[COUNTER_lost]));
	/* Every other loss is shown when there is one, and so is what was left out. */
	if (r->counters[COUNTER_pairs_cut])
		text = arena_printf(a, "%s, %s raced on more objects than are listed", text,
				    verdict_several(a, r->counters[COUNTER_pairs_cut], "pair of places",
						    "pairs of places"));
	for (size_t i = 0; i < COUNTER_COUNT; i++)
		if (i != COUNTER_lost && strstr(counter_names[i], "lost") && r->counters[i])
			text = arena_printf(a, "%s, %s %s", text, verdict_number(a, r->counters[i]),
					    counter_texts[i]);
	if (r->n_suppressed)
		text = arena_printf(a, "%s, %" PRIu64 " suppressed", text, r->n_suppressed);
	if (r->n_baselined)
		text = arena_printf(a, "%s, %" PRIu64 " baselined", text, r->n_baselined);
	return text;
}

/* Some by name, the rest by number: the line has to stay readable. */
const char *verdict_unchecked(const struct report *r)
{
	const char *text = "";

	for (size_t i = 0; i < r->n_not_checked && i < NAMED_MAX; i++)
		text = arena_printf(r->arena, "%s%s%s", text, *text ? ", " : "", r->not_checked[i]);
	if (r->n_not_checked > NAMED_MAX)
		text = arena_printf(r->arena, "%s and %zu more", text, r->n_not_checked - NAMED_MAX);
	return *text ? arena_printf(r->arena, "; not checked: %s", text) : "";
}

/* Why the status is what it is, if it isn't ours and not explained by what was cut. */
static const char *ending(const struct report *r)
{
	if (r->exit_status && !r->cut)
		return arena_printf(r->arena, "; the program's own status is %d", r->exit_status);
	return "";
}

static const char *program_name(const struct report *r)
{
	const char *path = r->main ? r->main->program : "", *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* One line, because it is what is left at the end of a long log. */
const char *verdict_line(const struct report *r)
{
	struct arena *a = r->arena;

	if (r->gate)
		return gate_line(r);
	switch (r->verdict) {
	case VERDICT_FINDINGS:
		return arena_printf(a, "gosan: %" PRIu64 " finding%s in %s: %s; checked: %s%s%s; exit %d",
				    r->n_shown, r->n_shown == 1 ? "" : "s", program_name(r), verdict_seen(r),
				    r->checks, verdict_unchecked(r), ending(r), verdict_exit(r));
	case VERDICT_CLEAN:
		return arena_printf(a, "gosan: clean: %s; checked: %s%s%s", verdict_seen(r), r->checks,
				    verdict_unchecked(r), ending(r));
	case VERDICT_BLIND:
		break;
	}
	if (!*r->checks)
		return arena_printf(
			a, "gosan: blind: every check is switched off, so nothing was checked%s; exit %d",
			ending(r), verdict_exit(r));
	if (r->saw_something)
		return arena_printf(a, "gosan: no findings %s: %s; checked: %s%s; exit %d",
				    r->cut            ? "so far"
				    : verdict_lost(r) ? "in what was seen, but something was lost"
						      : "in what was seen, but a part was out of sight",
				    verdict_seen(r), r->checks, verdict_unchecked(r), verdict_exit(r));
	return arena_printf(a,
			    "gosan: blind: %s showed no goroutine, no memory access and no event, so nothing "
			    "was checked; build it with 'gosan cc'%s%s; exit %d",
			    program_name(r), verdict_unchecked(r), ending(r), verdict_exit(r));
}
