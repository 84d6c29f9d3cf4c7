/* SPDX-License-Identifier: Apache-2.0
 *
 * stream.h: the raw stream of one process: JSON objects, one per line (format in finding.h). Knows JSON and
 * files that a program may close or a disk that may be full; knows nothing of what findings mean.
 *
 * Context: a line is written between begin and end, which hold the stream's lock: any thread, also under the
 * engine lock, which is taken before. No malloc, no stdio; system calls are made directly, since the
 * program's view of read and write is interposed.
 */
#ifndef GOSAN_STREAM_H
#define GOSAN_STREAM_H

#include "engine.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* False (and no lock held) when the stream is closed. */
bool gosan_stream_begin(const char *record);
void gosan_stream_end_line(void);

/* Members of the object of the line; the comma is the writer's business. key NULL: an element of a list. */
void gosan_stream_text(const char *key, const char *s);
void gosan_stream_uint(const char *key, uint64_t v);
void gosan_stream_hex(const char *key, uintptr_t v);
void gosan_stream_bool(const char *key, bool v);
/* A list of program counters; writes "module" lines first for modules not named yet, so it may be used
 * only where gosan_stream_modules was called for the same stack before gosan_stream_begin. */
void gosan_stream_stack(const char *key, uint32_t stack);
void gosan_stream_open_list(const char *key);
void gosan_stream_close_list(void);
void gosan_stream_open_object(const char *key);
void gosan_stream_close_object(void);

/* Name the modules that the stack's frames (that addr) lie in, each once per stream. */
void gosan_stream_modules(uint32_t stack);
void gosan_stream_module_of(uintptr_t addr);

/* Around a write of ours: in a program that may write no more to files it fails, but sends no SIGXFSZ, which would end
 * the program. */
void gosan_stream_limit_begin(sigset_t *before);
void gosan_stream_limit_end(const sigset_t *before, bool failed);

/* The file is open. */
bool gosan_stream_is_open(void);
/* The end line of a program that is about to become another one by exec. */
void gosan_stream_end_exec(void);
/* Close without an end line: after fork, in the child, before it opens its own. */
void gosan_stream_close(void);
/* Around fork: true takes the lock, false (in parent and child alike) releases it. */
void gosan_stream_fork(bool before);

/* Lines of others that belong before and into the end line; NULL when there are none. */
extern void (*gosan_stream_before_end)(void);
extern void (*gosan_stream_not_checked)(void (*say)(const char *text));

#endif
