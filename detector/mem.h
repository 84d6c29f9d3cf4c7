/* SPDX-License-Identifier: Apache-2.0
 *
 * mem.h: the detector's own memory. Private mmaps, never the program's malloc, never given back.
 *
 * Context: any thread, any hook, also in a signal handler while no other mem.h call of the same thread
 * is under way. All functions are lock-protected by a private spin lock.
 */
#ifndef GOSAN_MEM_H
#define GOSAN_MEM_H

#include <stdbool.h>
#include <stddef.h>

/* memset; preload.c puts libc's own there: the interposed one looks up who calls. */
extern void *(*gosan_mem_set)(void *, int, size_t);
/* Zeroed, 16-byte aligned block of `size` bytes, or NULL when the system or memory_limit_mb says no. */
void *gosan_mem_alloc(size_t size);
/* Give a block of exactly `size` bytes back for reuse by this allocator. */
void gosan_mem_free(void *p, size_t size);
/* Whole pages straight from mmap (MAP_NORESERVE), zeroed; for tables that are indexed sparsely. */
void *gosan_mem_map(size_t bytes);
void gosan_mem_unmap(void *p, size_t bytes);
/* A part of such a table is touched for the first time, or given back to the system: it counts as well. False: the limit
 * says no, and nothing was counted. */
bool gosan_mem_charge(size_t bytes);
void gosan_mem_discharge(size_t bytes);
/* Bytes obtained from the system so far. */
size_t gosan_mem_used(void);
/* fn for each stretch of memory in which blocks lie, in use or not; blocks that are free are zero by then. Others go on
 * allocating meanwhile. False: not all of them are known. */
bool gosan_mem_each(void (*fn)(const void *lo, const void *hi, void *arg), void *arg);
/* Around fork: true takes the lock, false (in both processes) releases it. */
void gosan_mem_fork(bool before);

#endif
