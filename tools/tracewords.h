/* SPDX-License-Identifier: Apache-2.0
 *
 * tracewords.h: names for what a recording has only numbers for: goroutines, objects, places, memory. Everything is
 * looked up once and kept, since events name the same few things again and again. Knows the recording and the debug
 * information; knows no events.
 */
#ifndef TRACEWORDS_H
#define TRACEWORDS_H

#include "report.h"
#include "trace.h"

#include <stdio.h>

struct tracewords;

/* Texts live in a, which outlives it. */
struct tracewords *tracewords_new(struct arena *a, const struct trace *t);
void tracewords_free(struct tracewords *w);

/* 'goroutine 7 "worker"', 'thread 2', 'the system'; "nobody" for 0 and for what has no row. */
const char *tracewords_actor(struct tracewords *w, uint32_t number);
/* "g7", "t2", "s5": unique in a recording, and without blanks. */
const char *tracewords_actor_short(struct tracewords *w, uint32_t number);
/* "mutex mu", "chan jobs"; "" for 0. */
const char *tracewords_object(struct tracewords *w, uint32_t id);
/* "mu" alone. */
const char *tracewords_object_name(struct tracewords *w, uint32_t id);
/* "counter", "0x7f..". */
const char *tracewords_memory(struct tracewords *w, uint64_t addr, uint64_t size);
/* Of a stack id, or of the place of an access: symbolized, without the detector's and the runtime's own frames. */
const struct stack *tracewords_stack(struct tracewords *w, uint32_t id, bool is_place);
/* Its innermost frame, "pool.c:31 worker"; NULL when nothing is known. */
const char *tracewords_where(struct tracewords *w, uint32_t id, bool is_place);
/* "worker<TAB>pool.c:31" of one return address. */
const char *tracewords_pc(struct tracewords *w, uint64_t pc);
/* Is F_STACK of this record the number of a place? */
bool tracewords_is_place(unsigned op);
/* Why somebody waits: "chan receive". */
const char *tracewords_wait(int64_t why);
/* What is missing of the recording, a sentence a line, each after prefix; nothing when it is whole. */
void tracewords_loss(const struct trace *t, FILE *out, const char *prefix);

#endif
