/* SPDX-License-Identifier: Apache-2.0
 *
 * report.h: what one run has to say. raw.c fills the program counters and texts, finding.c the names,
 * suppress.c and fold.c decide what is shown; renderers only read. All memory belongs to report->arena.
 */
#ifndef REPORT_H
#define REPORT_H

#include "options.h"
#include "arena.h"
#include "engine.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct symfile;
struct gate;
struct baseline;

/* One source position of one function. Missing facts are "" and 0, never NULL. */
struct frame {
	const char *function;
	const char *file; /* absolute where the debug information allows it */
	unsigned line, column;
	bool inlined;       /* its code is part of the next frame's function */
	const char *module; /* last component of the path */
	uint64_t offset;    /* address inside the module, not relocated */
	uint64_t pc;        /* the return address that it came from */
};

/* A call stack before and after symbolization: one address may become several frames (inlined calls)
 * or none (the detector's own). */
struct stack {
	size_t n_pcs;
	uint64_t *pcs; /* return addresses, innermost first */
	size_t n;
	struct frame *frames; /* expanded; the detector's and the runtime's own are left out */
};

/* What a finding is about, or a lock that a participant holds. */
struct object {
	const char *kind, *name;
	/* What the fingerprint uses: the name without what depends on who used it first. */
	const char *stable_name;
	/* What stands for all elements of an array in titles: "slots[].n", where name is "slots[3].n". NULL: the name. */
	const char *general_name;
	bool untyped; /* a place in a block of which nothing tells what lies there */
	uint64_t address, size;
	struct stack created;
	uint64_t block_size;
	int64_t alloc_offset; /* of address in its block, or -1 */
	uint64_t of, of_t;    /* goroutine or thread on whose stack it lies, or 0 */
};

/* One goroutine or thread in a finding. g is 0 for a thread, t is 0 for a goroutine, both are 0 for
 * the system (a timer, a signal). */
struct part {
	const char *role, *name, *fn, *op;
	uint64_t g, t, size, created_by, created_by_t;
	struct stack stack, created;
	size_t n_locks;
	struct object *locks; /* created = where it was acquired */
};

/* One line of the story, in the order in which it happened. */
struct step {
	uint64_t g, t, pc;
	struct frame at;
	const char *text;
};

/* One bug. Texts still have their placeholders until resolve_report. */
struct finding {
	uint64_t key;
	const char *code, *kind, *check, *grade;
	const char *title, *why, *help, *reproduce;
	struct object object;
	size_t n_parts, n_steps;
	struct part *parts;
	struct step *steps;
	uint64_t count;
	uint64_t ns; /* of a replayed recording: when; else 0 */
	const struct process *process;
	char fingerprint[33];
	bool suppressed; /* not shown, not counted as a finding */
	bool baselined;  /* known to the baseline; such a one is suppressed too */
	bool folded;     /* another finding with its fingerprint stands for it */
	/* Filled by fold.c: the images that showed it, in order of appearance. */
	size_t n_seen;
	const struct process **seen;
};

/* A goroutine as it stood when a hung program was stopped. */
struct dump {
	uint64_t g, t;
	const char *name, *state;
	const char *detail; /* goes on after the state: on what, who has it, since when, what it holds */
	struct stack stack, created;
};

/* One mapped file. base is the load bias: address in the process = base + address in the file. */
struct module {
	const char *path, *build_id;
	uint64_t base, start, end;
	bool instrumented, own_tsan, go;
	struct symfile *symbols; /* opened at first use */
	bool tried;
};

enum counter {
#define X(name, text) COUNTER_##name,
	GOSAN_COUNTERS(X)
#undef X
		COUNTER_COUNT
};

/* One program image: a process, or what it became by exec. */
struct process {
	pid_t pid, ppid;
	unsigned run; /* gate: in which repetition, from 1; else 0 */
	const char *program, *cwd, *options;
	size_t n_argv, n_modules, n_not_checked, n_dumps;
	const char **argv, **not_checked;
	struct module *modules;
	struct dump *dumps;
	const char *why; /* "" when the stream has no end: killed */
	int status;
	uint64_t counters[COUNTER_COUNT];
};

/* Of a repetition: the first is as the program is, the others have a seed each. 0: none. */
static inline unsigned gate_seed_of(unsigned run)
{
	return run > 1 && !gosan_options.seed ? run : 0;
}

/* Blind: nothing was seen that could have had a bug, which is not the same as clean. */
enum verdict { VERDICT_CLEAN, VERDICT_FINDINGS, VERDICT_BLIND };

/* Everything. Read-only for renderers. */
struct report {
	struct arena *arena;
	size_t n_processes, n_findings;
	struct process **processes;
	struct finding **findings; /* of all processes, in order of appearance */
	const struct process *main;
	/* Filled by verdict.c */
	enum verdict verdict;
	int exit_status; /* the program's own: 128 + n for death by signal n */
	bool timed_out;
	const char *cut;    /* why the run is not the whole run; NULL: it is */
	bool saw_something; /* else there was nothing to watch */
	uint64_t counters[COUNTER_COUNT];
	uint64_t n_shown, n_suppressed, n_baselined;
	size_t n_not_checked;
	const char **not_checked;
	const char *checks; /* names of the checks that were on */
	size_t n_suppressions;
	struct suppression *suppressions;
	struct baseline *baseline; /* NULL: none was asked for */
	struct gate *gate;         /* of many processes (gate.h); NULL for the run of one program */
};

extern const char *const counter_names[COUNTER_COUNT];
extern const char *const counter_texts[COUNTER_COUNT];

#endif
