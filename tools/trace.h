/* SPDX-License-Identifier: Apache-2.0
 *
 * trace.h: reader of recordings (format: TRACE.md, detector/tracefile.h). Gives the records of a process in one order
 * that could have been: each object's by their numbers, each goroutine's as it made them, everything else by time.
 * Knows files; knows no clocks and no findings.
 *
 * Nothing in a file is believed: numbers out of range, torn and damaged records end their stream, and are told
 * (struct trace_loss). Memory: tables and streams are mapped, not read.
 */
#ifndef TRACE_H
#define TRACE_H

#include "engine.h"
#include "tracefile.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct trace; /* the recording of one process */

/* --- Recordings: a folder of processes, the folder of one, or one packed file --- */

/* The processes in it, in the order of their start; the paths stay valid until trace_list_free. 0, or -errno with one
 * sentence in err: -ENOENT, -EBADMSG when it is no recording. A packed file is unpacked into a temporary folder
 * that trace_list_free removes. */
struct trace_list {
	size_t n;
	char **path;
	char *unpacked; /* NULL: nothing was */
	int guard;      /* removes it when we can't (tmpdir.h) */
};
int trace_list_read(struct trace_list *ret, const char *path, char *err, size_t err_size);
void trace_list_free(struct trace_list *l);
/* A folder of recordings, with all that recordings consist of. */
void trace_folder_remove(const char *dir);
/* Note what the files of this process are, so that they are refused when they were damaged since. It must have ended. 0 or
 * -errno: then nothing is noted. */
int trace_seal(const char *process);
/* Pack a folder into one file. */
int trace_pack(const char *dir, const char *file, char *err, size_t err_size);

int trace_open(struct trace **ret, const char *process, char *err, size_t err_size);
void trace_close(struct trace *t);

/* --- What was recorded --- */

struct trace_module {
	const char *path, *build_id;
	uint64_t base, start, end;
	int kind; /* enum gosan_module_kind */
	bool instrumented, own_tsan, go;
};

struct trace_info {
	pid_t pid, ppid;
	const char *program, *cwd, *options, *version; /* of gosan */
	size_t n_argv;
	const char **argv;
	unsigned features; /* enum gosan_trace_feature */
	size_t n_modules;
	const struct trace_module *modules;
	size_t n_notes; /* what could not be recorded, in sentences */
	const char **notes;
	size_t n_not_checked;
	const char **not_checked;
	bool ended; /* false: killed, or still running */
	int end;    /* enum gosan_end; when it ended */
	int status; /* of the process, also of a killed one whose parent was the tool; else 0 */
	bool by_exec;
	uint64_t start_ns; /* CLOCK_MONOTONIC */
	const struct gosan_trace_page *page;
	struct gosan_counters counters; /* of the process, as far as it came */
};
const struct trace_info *trace_info(const struct trace *t);

/* Rows by number; NULL when there is none. */
size_t trace_actor_room(const struct trace *t); /* all numbers are below */
const struct gosan_trace_actor *trace_actor(const struct trace *t, uint32_t number);
const struct gosan_trace_object *trace_object(const struct trace *t, uint32_t id);
const struct trace_module *trace_module(const struct trace *t, uint64_t addr);
/* A node of the tree of contexts. */
const struct gosan_trace_context *trace_context(const struct trace *t, uint32_t id);
/* Return addresses of a stack id, innermost first: at most max of them. Returns n. */
size_t trace_stack(const struct trace *t, uint32_t id, uintptr_t *ret, size_t max);
bool trace_has_stack(const struct trace *t, uint32_t id); /* ids go from 1 without a gap */
/* The same for the place of an access or a block. */
size_t trace_place(const struct trace *t, uint32_t place, uintptr_t *ret, size_t max);
/* "lock", "chan send", "access": the words of event.def and trace.def. */
const char *trace_op_text(unsigned op);

/* --- Records in order --- */

struct trace_event {
	struct gosan_trace_rec
		rec; /* rec.op: enum gosan_trace_op, or GOSAN_TRACE_EVENT + enum gosan_op; never SWITCH, ANSWER */
	uint32_t g;    /* whose it is: rec.g, or who ran */
	uint32_t runs; /* who ran on that thread */
	uint32_t stream;
	uint64_t ns; /* since the start; of a record without a time, of the one before it in its stream */
	bool gap;    /* an event on its object, or of its goroutine, that came before is missing */
};

/* The next record: 1, or 0 at the end. The record is valid until the next call. */
int trace_next(struct trace *t, struct trace_event *ret);
/* The i-th answer to what analyzers asked because of the last record: its question and what it was. False: there
 * are not so many. */
bool trace_answer(const struct trace *t, size_t i, int *ret_question, bool *ret_answer);
/* From the beginning again. */
void trace_rewind(struct trace *t);

/* What is missing, as far as trace_next came. */
struct trace_loss {
	uint64_t torn;    /* streams that end within a record */
	uint64_t damaged; /* streams with a record that cannot be */
	uint64_t gaps;    /* events that others refer to and nobody has */
	uint64_t lost;    /* the recorder's own count */
	bool stopped;     /* recording ended before the program: no room */
	uint64_t cut_ns;  /* everything before it is overwritten (ring); 0: nothing is */
};
void trace_loss(const struct trace *t, struct trace_loss *ret);

#endif
