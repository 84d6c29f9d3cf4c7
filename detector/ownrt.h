/* SPDX-License-Identifier: Apache-2.0
 *
 * ownrt.h: does a file carry a runtime that we can't do with: ThreadSanitizer's, linked statically, or Go's? Knows ELF
 * files as they lie on disk. The tool asks before it runs a program, the library when it was preloaded without the tool.
 */
#ifndef GOSAN_OWNRT_H
#define GOSAN_OWNRT_H

#include <stdbool.h>
#include <stddef.h>

/* In the whole image of an ELF file of this machine's class. */
bool gosan_ownrt_in(const void *file, size_t size);
/* In the file at path. False when it can't be read. No allocation, no lock; about a millisecond per megabyte of
 * symbols, so ask only for files that look like it (DT_PREINIT_ARRAY, which nearly nothing else has). */
bool gosan_ownrt_at(const char *path);
/* Is there Go code in the file at path, by gccgo or by Go's own compiler? By the names of its sections, which stripping
 * leaves: a few pages are read. False when it can't be read. */
bool gosan_ownrt_is_go(const char *path);

#endif
