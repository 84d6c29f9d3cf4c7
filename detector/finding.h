/* SPDX-License-Identifier: Apache-2.0
 *
 * finding.h: a finding is a neutral record. Analyzers fill one and emit it; nobody in the program's
 * process renders it. The record goes to the raw stream (finding.c), one JSON object per line, with
 * program counters instead of names; tools/ reads it, symbolizes, suppresses and renders.
 *
 * Raw stream, one file per process, each line complete in itself (a torn last line is ignored):
 *  {"r":"start","v":1,"pid":N,"ppid":N,"program":"/abs","argv":[..],"cwd":"/abs","options":"k=v:.."}
 *  {"r":"module","path":"/abs","base":"0x..","start":"0x..","end":"0x..","build_id":"hex","instrumented":bool}
 *    and "own_tsan":true in one whose hooks never reach us, "go":true in Go code
 *      base = load bias; written before the first finding that may refer to it
 *  {"r":"finding","key":N,"code":"GS101","grade":"proved","title":"..","object":{OBJ},
 *   "participants":[{PART}..],"more":N,"why":"..","help":"..","story":[{"g":N,"t":N,"pc":"0x..","text":".."}..]}
 *    and "ns":N, the time (CLOCK_MONOTONIC) of what it was found at, in the replay of a recording
 *  {"r":"again","key":N,"count":N}         the same finding, seen N times in all
 *  {"r":"taken_back","key":N,"count":N}    N times are left, none for 0: what it said cannot end did end
 *  {"r":"dump","g":N,"t":N,"name":"..","fn":"..","state":"..","detail":"..","stack":["0x"..],"created":["0x"..]}   at a hang
 *  {"r":"end","why":"exit|stall|timeout|crash|exec","status":N,"counters":{..},"not_checked":["..",..]}
 *  {"r":"not_checked","list":["..",..]}    the same of a process that has no end line
 *  OBJ  {"kind":"chan","name":"","address":"0x..","size":N,"created":["0x"..],"alloc_offset":N,"block_size":N,
 *        "of":N,"of_t":N}  the goroutine, or the thread, on whose stack it lies
 *  PART {"role":"current","g":N,"t":N,"name":"..","fn":"..","op":"..","size":N,"stack":["0x"..],
 *        "locks":[{"kind":"mutex","address":"0x..","stack":["0x"..]}..],"created_by":N,"created_by_t":N,"created":["0x"..]}
 * Every pc is a return address (the tool looks up pc - 1), innermost first.
 * In title, why, help and story text the tool replaces: {pc:0x..} by file:line, {fn:0x..} by the
 * function, {obj} by the object's name, {var:0x..} by the variable at that address.
 */
#ifndef GOSAN_FINDING_H
#define GOSAN_FINDING_H

#include "engine.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* code, kind, check, default grade, one-line meaning */
#define GOSAN_FINDINGS(X) \
	X(101, "data-race", "race", PROVED, "two accesses, one a write, not ordered by happens-before") \
	X(102, "free-race", "race", PROVED, "access not ordered with the free of its block, or after it") \
	X(201, "deadlock", "deadlock", PROVED, "every goroutine is blocked for ever") \
	X(202, "partial-deadlock", "deadlock", PROVED, \
	  "some wait for each other in a cycle while others run") \
	X(203, "lock-order", "deadlock", POSSIBLE, \
	  "lock acquisitions that can deadlock in another schedule") \
	X(204, "double-lock", "deadlock", PROVED, "a goroutine waits for a lock that it holds itself") \
	X(205, "recursive-rlock", "deadlock", POSSIBLE, \
	  "a read lock taken again while a writer can queue in between") \
	X(301, "goroutine-leak", "leak", LIKELY, \
	  "a goroutine that nobody can wake any more, or still blocked at exit") \
	X(302, "thread-leak", "leak", PROVED, "a thread neither joined nor detached") \
	X(303, "context-leak", "resource", PROVED, "a cancel function never called") \
	X(304, "timer-leak", "resource", PROVED, "a ticker never stopped") \
	X(401, "waitgroup-add-in-goroutine", "waitgroup", PROVED, "an Add that a Wait can overtake") \
	X(402, "waitgroup-negative", "waitgroup", PROVED, \
	  "the counter goes, or in another order can go, below zero") \
	X(403, "waitgroup-reuse", "waitgroup", PROVED, "reused before the earlier Wait returned") \
	X(501, "send-on-closed", "channel", PROVED, "a send on a closed channel") \
	X(502, "close-of-closed", "channel", PROVED, "a channel closed twice") \
	X(503, "close-of-nil", "channel", PROVED, "a nil channel closed") \
	X(504, "nil-channel", "channel", PROVED, \
	  "blocked for ever on a nil channel, or a select with no cases") \
	X(505, "send-close-race", "channel", PROVED, \
	  "send and close not ordered: a panic in another schedule") \
	X(601, "unlock-of-unlocked", "lock", PROVED, "an unlock of a lock that is not held") \
	X(602, "unlock-by-other", "lock", PROVED, "an unlock by a thread that is not the owner") \
	X(603, "destroy-in-use", "lock", PROVED, \
	  "a lock, condition or channel destroyed or freed while held or waited for") \
	X(604, "exit-holding-lock", "lock", PROVED, "a thread or goroutine ended with a lock held") \
	X(605, "cond-misuse", "lock", PROVED, \
	  "waiting without the mutex, with two mutexes, or a wake-up that can be lost") \
	X(606, "sync-copy", "lock", PROVED, "a mutex, WaitGroup or Once used after being copied")

enum gosan_grade { GOSAN_PROVED, GOSAN_LIKELY, GOSAN_POSSIBLE };

#define GOSAN_PARTS_MAX 16
#define GOSAN_STORY_MAX 12
#define GOSAN_LOCKS_MAX 8
#define GOSAN_TEXT_MAX  512

struct gosan_part {
	const char *role; /* current previous blocked owner waiter adder closer sender receiver ... */
	const struct gosan_g *g;
	const char *op; /* write read atomic-write atomic-read chan send ... (JSON contract) */
	size_t size;    /* bytes of an access, else 0 */
	uint32_t stack;
	size_t n_locks; /* locks held at that moment */
	struct {
		const struct gosan_obj *obj;
		uint32_t stack;
	} locks[GOSAN_LOCKS_MAX];
};

struct gosan_story {
	const struct gosan_g *g;
	uint32_t stack; /* its innermost frame places the step */
	char text[64];  /* "go worker()", "lock mu", "write 4 bytes", "<-- unordered" */
};

struct gosan_finding {
	int code; /* 101.. */
	enum gosan_grade grade;
	char title[128]; /* lower case, no final period; may use {obj} and {fn:..} */
	/* The object: a sync object, or memory. */
	const struct gosan_obj *obj; /* NULL: the fields below */
	const char *obj_kind;        /* global heap stack unknown ...; "" lets the tool decide by address */
	uintptr_t addr;
	size_t size;
	uint32_t obj_created; /* allocation stack of a heap block */
	uintptr_t block;      /* start and size of the heap block or stack */
	size_t block_size;
	const struct gosan_g *stack_of; /* the goroutine on whose stack addr lies, or NULL */
	size_t n_parts;
	struct gosan_part parts[GOSAN_PARTS_MAX];
	size_t n_more; /* participants that did not fit */
	size_t n_story;
	struct gosan_story story[GOSAN_STORY_MAX];
	char why[GOSAN_TEXT_MAX];
	char help[GOSAN_TEXT_MAX];
	uint64_t dedup; /* same value + same code = same bug; 0: computed from the stacks */
};

/* A zeroed record with code and default grade set. Static storage, one at a time, under the engine lock:
 * fill it and emit it before the next begin. */
struct gosan_finding *gosan_finding_begin(int code);
/* Append a participant for g (NULL tolerated: the returned record is scratch when there is no room). */
struct gosan_part *gosan_finding_part(struct gosan_finding *f, const char *role, const struct gosan_g *g,
				      const char *op, uint32_t stack);
/* Copy the locks that p's goroutine holds now into p. */
void gosan_finding_locks(struct gosan_part *p);
void gosan_finding_story(struct gosan_finding *f, const struct gosan_g *g, uint32_t stack, const char *fmt,
			 ...) __attribute__((format(printf, 4, 5)));
/* Write it, or count it when this bug was seen before or its check is off. True when it was new. With
 * halt_on_error the process ends here with the exit code of findings. Under the engine lock. */
bool gosan_finding_emit(struct gosan_finding *f);
/* The last emission, also of one that was seen before; 0 when its check is off. */
uint64_t gosan_finding_last(void);
/* This emission turned out to be wrong. Nothing for 0; once each. */
void gosan_finding_take_back(uint64_t emission);
/* Was a finding of this code emitted in which g takes part? For "one stall, one finding". */
bool gosan_finding_has(int code, const struct gosan_g *g);
/* Small words for reports: "goroutine 7 \"worker\"", "mutex". */
const char *gosan_finding_kind_name(enum gosan_obj_kind kind);
const char *gosan_dump_wait_name(int why); /* "chan receive": enum go_wait or gosan_wait_why */

/* The stream. Opened by front/session.c; every function tolerates a closed stream. */
int gosan_stream_open(const char *path);
void gosan_stream_dump(enum gosan_end why);            /* a "dump" line per living goroutine */
void gosan_stream_end(enum gosan_end why, int status); /* "again" lines, counters, not_checked */

/* True when the check of that name is on (options.c). */
bool gosan_check_on(const char *check);

#endif
