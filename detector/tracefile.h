/* SPDX-License-Identifier: Apache-2.0
 *
 * tracefile.h: the format of a recording, as the recorder (trace.c) writes and the tool reads it. tools/TRACE.md says
 * it in words. Knows layouts; knows nothing of who writes or reads them.
 *
 * A recording of a process is a folder:
 *
 *      meta        text lines: format, process, modules, what went wrong, the end
 *      page        struct gosan_trace_page: clock, end of recording
 *      counters    struct gosan_counters, whose names meta has
 *      actors      goroutines and threads, by number        }
 *      objects     synchronisation objects, by id           } tables of fixed rows, sparse files
 *      contexts    the tree of calling contexts, by id      }
 *      stacks      varints: n, then n addresses, each as the difference to the one before; ids count from 1
 *      stream.N    what one thread did: segments of 64 KiB
 *
 * A segment begins with its header, and all predictions begin afresh in it, so that it can be read alone. A record's
 * first byte is written last: 0 is the end of what is known.
 */
#ifndef GOSAN_TRACEFILE_H
#define GOSAN_TRACEFILE_H

#include "event.h"

#define GOSAN_TRACE_MAGIC   UINT32_C(0x4e415347) /* "GSAN" */
#define GOSAN_TRACE_VERSION 2

/* Feature bits, in meta. A reader refuses bits that it does not know. */
enum gosan_trace_feature {
	GOSAN_TRACE_ACCESSES = 1, /* memory accesses are recorded */
	GOSAN_TRACE_RING = 2,     /* old segments were overwritten */
};

#define GOSAN_TRACE_SEGMENT    ((size_t)64 << 10)
#define GOSAN_TRACE_RECORD_MAX 512u /* bytes of the longest record */
#define GOSAN_TRACE_TEXT_MAX   256u

/* Time is counted in units of 16 cycles of the processor's counter, or in nanoseconds where there is none. */
#define GOSAN_TRACE_TIME_SHIFT 4

struct gosan_trace_segment {
	uint32_t magic, stream;
	uint64_t number;     /* in its stream, from 0 */
	uint64_t time, tick; /* from which the first record counts */
	uint32_t g, visit;   /* who runs; 0: a SWITCH comes first */
};

/* Members of a record; the order in which they follow the mask. Those of an access are the first, so that its mask is
 * five bits. */
enum gosan_trace_field {
	F_TIME = 1,  /* since the record before */
	F_STACK = 2, /* depot id, or place */
	F_ADDR = 4,
	F_SIZE = 8,
	F_MODE = 16,
	F_OBJ = 32,   /* object id */
	F_SEQ = 64,   /* number of the event on its object (stripe) */
	F_TICK = 128, /* number of the pass through the engine */
	F_ARG = 256,
	F_PEER = 512, /* actor number */
	F_G = 1024,   /* actor number, when it is not who runs */
	F_ARG2 = 2048,
	F_OBJ2 = 4096,
	F_TEXT = 8192,
	F_NEAR = 16384, /* in masks only: the address is told by that of the record before */
};
#define GOSAN_TRACE_FIELDS 13 /* numbers; a text comes last */
#define GOSAN_TRACE_EVENT_FIELDS \
	(F_TIME | F_STACK | F_ADDR | F_OBJ | F_SEQ | F_MODE | F_TICK | F_ARG | F_PEER | F_G | F_SIZE | \
	 F_ARG2 | F_OBJ2)

/* What a record is. Events have EVENT + op. Its first byte is this, or a code above 0x7f that stands for the mask as
 * well (tracecodec.h). */
enum gosan_trace_op {
#define X(name, text, fields) GOSAN_TRACE_##name,
#include "trace.def"
#undef X
	GOSAN_TRACE_OTHERS,
	GOSAN_TRACE_EVENT = 0x40,
};
_Static_assert(GOSAN_TRACE_OTHERS <= GOSAN_TRACE_EVENT, "records and events share a byte");
_Static_assert(GOSAN_TRACE_EVENT + GOSAN_EV_COUNT <= 128, "codes begin behind the events");

/* Questions that analyzers ask of the world, whose answers are recorded. mode of ANSWER. */
enum gosan_trace_question { GOSAN_TRACE_CAN_ACT = 1, GOSAN_TRACE_OWN_TLS };

/* How somebody is gone whose front end sent no G_END: for ever, or from the order of the others. Bits of the mode of
 * GONE. */
enum gosan_trace_gone {
	GOSAN_TRACE_GONE_ENDED = 1,
	GOSAN_TRACE_GONE_JOINED = 2,
	GOSAN_TRACE_GONE_CHAIN = 4,
	GOSAN_TRACE_GONE_DEAF = 8,  /* what it does orders nothing, by the program's wish */
	GOSAN_TRACE_GONE_BACK = 16, /* and from here on it does again */
};

/* Rows of the tables. Row 0 is nobody's. */
struct gosan_trace_actor {
	uint64_t id; /* goroutine */
	uint32_t tid;
	uint32_t flags; /* enum gosan_trace_actor_flag */
	uint32_t parent, created_stack;
	uint64_t stack_lo, stack_hi;
	int64_t os_tid; /* of the thread that it runs, or ran last, on */
	char name[32], fn_name[48];
};
enum gosan_trace_actor_flag {
	GOSAN_TRACE_THREAD = 1,
	GOSAN_TRACE_SYSTEM = 2,
	GOSAN_TRACE_FIBER = 4,
	GOSAN_TRACE_DETACHED = 8, /* when it was born */
	GOSAN_TRACE_KNOWN = 128   /* the row is filled */
};
_Static_assert(sizeof(struct gosan_trace_actor) == 128, "rows don't cross pages");

struct gosan_trace_object {
	uint64_t addr;
	uint64_t created_by;
	uint32_t kind, flags;
	uint32_t created_stack, count; /* count: first value (capacity) + 1; 0: unknown */
};
_Static_assert(sizeof(struct gosan_trace_object) == 32, "rows don't cross pages");

struct gosan_trace_context {
	uint64_t pc;
	uint32_t parent, callee;
};
_Static_assert(sizeof(struct gosan_trace_context) == 16, "rows don't cross pages");

/* Why recording ended before the program did. */
enum gosan_trace_stop { GOSAN_TRACE_WHOLE, GOSAN_TRACE_NO_ROOM, GOSAN_TRACE_BROKEN };

struct gosan_trace_page {
	uint32_t magic, version;
	uint64_t time0, ns0;       /* CLOCK_MONOTONIC at the start */
	uint64_t time1, ns1;       /* and later: what a unit of time is */
	uint64_t stop_time;        /* nothing after it counts; 0: recording did not stop */
	uint32_t stop;             /* enum gosan_trace_stop */
	uint32_t error;            /* errno */
	uint64_t lost;             /* records that could not be made */
	uint32_t n_streams, ended; /* ended: the end line of meta is written */
};

/* Atomics are numbered by stripes of granules: it is the stripe that is locked. */
#define GOSAN_TRACE_STRIPE_BITS 14
static inline uint32_t gosan_trace_stripe(uint64_t addr)
{
	return (uint32_t)((addr >> 3) * UINT64_C(0x9e3779b97f4a7c15) >> (64 - GOSAN_TRACE_STRIPE_BITS));
}

/* One record, decoded. Absent members are 0. */
struct gosan_trace_rec {
	unsigned op;
	uint64_t time, tick, seq;
	uint32_t g, peer, obj, obj2, stack;
	int mode;
	int64_t arg, arg2;
	uint64_t addr, size;
	size_t text_size;
	char text[GOSAN_TRACE_TEXT_MAX]; /* F_TEXT: of a FAULT, or what a G_PARK waits for; terminated */
};

#endif
