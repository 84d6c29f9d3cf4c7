/* SPDX-License-Identifier: Apache-2.0
 *
 * std.h: reader of the STD text format, in which RAPID and its kin exchange recordings: one event a line,
 *
 *	THREAD|OP(OPERAND)|LOCATION		T1|w(x)|12
 *
 * OP is r, w (a variable), acq, rel (a lock), fork, join (a thread), or begin and end with any text; LOCATION is a
 * whole number of 32 bits. Names are any characters but blanks and "|". Knows the text; knows no order of events.
 *
 * The order of the lines is the order of the recording: of each thread, of each lock, and of whatever else happened. The
 * format has no other synchronisation; how more is said with these (stdedges.h) is the business of whoever writes it.
 *
 * RAPID repeats the event before when it can't read a line; here such a line is an error that names it. Blank lines are
 * allowed at the end only. Memory grows with the number of names, not of events; a pipe will do.
 */
#ifndef STD_H
#define STD_H

#include "arena.h"

#include <stdint.h>

enum std_op { STD_READ, STD_WRITE, STD_ACQUIRE, STD_RELEASE, STD_FORK, STD_JOIN, STD_BEGIN, STD_END };
/* What a number of an event counts: each from 0, in the order of appearance. */
enum std_kind { STD_THREAD, STD_VARIABLE, STD_LOCK, STD_KINDS };

struct std_event {
	enum std_op op;
	uint32_t thread;
	uint32_t operand; /* variable, lock or thread; of begin and end: 0 */
	int32_t loc;
	uint64_t line; /* from 1 */
};

struct std;

/* "-" is standard input. 0, or -errno with one sentence in err. Names live in a. */
int std_open(struct std **ret, struct arena *a, const char *path, char *err, size_t err_size);
void std_close(struct std *s);
/* 1: an event; 0: the end; -EBADMSG and -EIO with one sentence in err. */
int std_next(struct std *s, struct std_event *ret, char *err, size_t err_size);
uint32_t std_count(const struct std *s, enum std_kind kind);
const char *std_name(const struct std *s, enum std_kind kind, uint32_t number);
/* "w", "acq". */
const char *std_op_name(enum std_op op);

#endif
