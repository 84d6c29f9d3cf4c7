/* SPDX-License-Identifier: Apache-2.0
 *
 * recorder.h: keeps what the detector sees, in the files of a recording (tracefile.h). Knows the engine's nouns;
 * judges nothing. Without `trace` among the settings each call is one test of a flag.
 *
 * Context: each function is called where what it records happens: under the engine lock, the object's bit or the stripe
 * where the record has a number from there, so that a record is complete before anybody can act on it. Any thread.
 * Takes leaf locks only, and makes system calls once per 64 KiB and more.
 */
#ifndef GOSAN_RECORDER_H
#define GOSAN_RECORDER_H

#include "engine.h"
#include "tracefile.h"

extern bool gosan_recorder_on __attribute__((visibility("hidden")));
extern bool gosan_recorder_memory __attribute__((visibility("hidden"))); /* memory accesses as well */

/* recmeta.c: the life of a recording. */
/* Before the first goroutine is known. argv: of the program. */
void gosan_recorder_init(int argc, char **argv);
/* Where counters are to be kept: NULL when there is no recording. link (or NULL) becomes another name of their file. */
struct gosan_counters *gosan_recorder_counters(const char *link);
/* Modules that were loaded since; call outside of the engine lock. */
void gosan_recorder_modules(void);
/* What the end line says; text of what was not checked comes before it. why: "exit", "stall", ... */
void gosan_recorder_not_checked(const char *text);
void gosan_recorder_end(const char *why, int status);
/* In the only thread of a forked child, outside of all locks. */
void gosan_recorder_fork_child(void);

/* recorder.c. Under the engine lock, the first group. */
void gosan_recorder_event(const struct gosan_event *ev);
void gosan_recorder_new_g(const struct gosan_g *g);
void gosan_recorder_new_object(const struct gosan_obj *obj);
void gosan_recorder_object_dead(const struct gosan_obj *obj);
void gosan_recorder_system_begin(const struct gosan_g *sys, const struct gosan_obj *timer);
void gosan_recorder_finish(enum gosan_end why);
void gosan_recorder_thread_end(const struct gosan_g *g);
/* To a question that an analyzer asked. Returns the answer. */
bool gosan_recorder_answer(enum gosan_trace_question question, bool answer);
/* op: GOSAN_TRACE_REQUEST .. WAIT. Under the object's bit, but REQUEST. */
void gosan_recorder_lock(enum gosan_trace_op op, const struct gosan_obj *obj, int mode, uint32_t stack);
/* Under the stripe, whose number of operations seq is. arg: a load's stack, whether a store is one of an RMW. */
void gosan_recorder_atomic(enum gosan_trace_op op, uintptr_t addr, uint64_t seq, int mo, uint32_t arg);
/* op: ACCESS .. BENIGN_FORGET; what it has no use for is 0. */
void gosan_recorder_access(enum gosan_trace_op op, uintptr_t addr, size_t size, unsigned flags,
			   uint32_t place);
void gosan_recorder_copied(const struct gosan_obj *copy, const struct gosan_obj *original, uint32_t stack);
void gosan_recorder_gone(const struct gosan_g *g, unsigned how); /* enum gosan_trace_gone */
/* Tables. stack: under the depot's lock, in the order of ids. */
void gosan_recorder_stack(const uintptr_t *pcs, size_t n);
void gosan_recorder_context(uint32_t id, uint64_t pc, uint32_t parent, uint32_t callee);
void gosan_recorder_actor(const struct gosan_g *g); /* its row again: a name, who it is */

/* recrows.c, for the other two. */
bool gosan_recorder_open_tables(void);
/* In a forked child, in its folder: the parent's rows, which are never written again, are copied. */
bool gosan_recorder_fork_tables(void);
/* What is known of obj by its first event. count: what a channel's first event says of its buffer, plus 1; 0: nothing. */
void gosan_recorder_object(const struct gosan_obj *obj, uint32_t count);
void gosan_recorder_begin_child(void);

#define GOSAN_RECORD(call) \
	do { \
		if (__builtin_expect(gosan_recorder_on, 0)) \
			call; \
	} while (0)
/* Memory is recorded where accesses are. */
#define GOSAN_RECORD_MEMORY(call) \
	do { \
		if (__builtin_expect(gosan_recorder_memory, 0)) \
			call; \
	} while (0)

#endif
