/* SPDX-License-Identifier: Apache-2.0
 *
 * trace_private.h: what trace.c (files) and trace_read.c (records in order) share.
 */
#ifndef TRACE_PRIVATE_H
#define TRACE_PRIVATE_H

#include "arena.h"
#include "trace.h"
#include "tracecodec.h"

#define TRACE_ANSWERS_MAX 16

/* A file, mapped. */
struct trace_file {
	const uint8_t *base;
	size_t size;
};

struct trace_stream {
	uint32_t no;
	struct trace_file file;
	const uint8_t **segments; /* in the order of their numbers; the valid ones */
	size_t n_segments;
	/* Where it is */
	size_t segment, at; /* segment: one past the one that is read */
	struct gosan_trace_state state;
	uint32_t g, visit;
	bool over;
	/* The record that comes next, decoded; its text points into the file. */
	struct gosan_trace_rec head;
	struct {
		int question;
		bool answer;
	} answers[TRACE_ANSWERS_MAX]; /* behind the record that was given last */
	size_t n_answers;
	bool gap;                   /* something is missing before its next record */
	struct trace_stream *waits; /* for choose() */
};

struct trace {
	struct arena *arena;
	struct trace_info info;
	struct gosan_trace_page page;
	struct trace_file actors, objects, contexts, stacks;
	size_t n_actors, n_objects, n_contexts; /* rows */
	uint64_t *stack_at;                     /* offsets into the file by id */
	size_t n_stacks;
	double ns_per_unit;
	struct trace_stream *streams;
	size_t n_streams;
	/* Order */
	struct trace_stream **heap; /* least time first */
	size_t n_heap;
	struct trace_stream *last; /* gave the last record; not in the heap */
	uint64_t tick;
	uint64_t *next_seq; /* by object; 0: any */
	uint32_t *visits;   /* by actor: how many are over */
	uint64_t *stripes;
	bool cut; /* a ring has lost something */
	struct trace_loss loss;
};

/* trace_sums.c: are the files still what they were? 0: yes, or nobody noted it. */
int trace_check_sums(struct trace *t, const char *process, char *err, size_t err_size);
/* trace_read.c: allocate what trace_next needs, and begin. */
void trace_read_begin(struct trace *t);

#endif
