/* SPDX-License-Identifier: Apache-2.0
 *
 * recfile.h: the files of a recording that is being made: mapped pieces of them, tables that grow, and the end when
 * there is no room. Knows system calls and the folder; knows no records.
 *
 * Context: any thread, any hook, also under the engine lock; locks here are leaves. No malloc, no stdio, none of
 * libc's wrappers that a program may have replaced. errno is kept. No descriptor stays open.
 */
#ifndef GOSAN_RECFILE_H
#define GOSAN_RECFILE_H

#include "tracefile.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A table of rows that are written in place. */
struct gosan_rectable {
	const char *name;
	size_t row;
	uint32_t max;      /* rows */
	char *base;        /* reserved addresses; NULL: not open */
	uint8_t *ready;    /* per chunk: it is mapped */
	uint32_t n_chunks; /* one past the last that is */
	char lock;
};

extern struct gosan_trace_page *gosan_recfile_page; /* never NULL */

/* Make the folder of this process below `dir`: dir/pid, or dir/pid.N. 0 or -errno. */
int gosan_recfile_make(const char *dir, int pid);
void gosan_recfile_path(const char *name, char *ret, size_t size);
/* Its page. 0 or -errno; the values that are there go along. */
int gosan_recfile_share(void);
/* Bytes [offset, offset + size) of the file, allocated and mapped (at `at`, if not NULL). NULL: recording has ended. */
void *gosan_recfile_map(const char *name, uint64_t offset, size_t size, void *at);
void gosan_recfile_unmap(void *p, size_t size);
/* Append to a file. False on failure, which ends nothing. */
bool gosan_recfile_append(const char *name, const char *text, size_t n);
/* Recording ends now, for everybody; the first reason counts. */
void gosan_recfile_stop(enum gosan_trace_stop why, int error);

bool gosan_rectable_open(struct gosan_rectable *t);
/* Row (or byte) i, and `rows` from there on, to be written; NULL: recording has ended, or there is no such row. */
void *gosan_rectable_row(struct gosan_rectable *t, uint64_t i, size_t rows);
/* In a forked child, in its new folder: a file of its own with what the parent's has, at the same addresses. */
bool gosan_rectable_fork(struct gosan_rectable *t);

/* Time in the units of the format. */
extern bool gosan_recfile_tsc; /* the processor's counter may be used */
void gosan_recfile_clock_init(void);
uint64_t gosan_recfile_ns(void); /* CLOCK_MONOTONIC */
static inline uint64_t gosan_recfile_time(void)
{
#if defined(__has_builtin)
#if __has_builtin(__builtin_ia32_rdtscp)
	unsigned cpu;

	/* rdtscp waits for what comes before it: the time is not before an operation that it is to follow. */
	if (__builtin_expect(gosan_recfile_tsc, 1))
		return __builtin_ia32_rdtscp(&cpu) >> GOSAN_TRACE_TIME_SHIFT;
#endif
#endif
	return gosan_recfile_ns();
}

/* Half as dear, and perhaps a few instructions early: for what is ordered by more than its time, and for accesses, which
 * may be told before memory was reused but never after. */
static inline uint64_t gosan_recfile_time_early(void)
{
#if defined(__has_builtin)
#if __has_builtin(__builtin_ia32_rdtsc)
	if (__builtin_expect(gosan_recfile_tsc, 1))
		return __builtin_ia32_rdtsc() >> GOSAN_TRACE_TIME_SHIFT;
#endif
#endif
	return gosan_recfile_ns();
}

#endif
