/* SPDX-License-Identifier: Apache-2.0
 *
 * inline.h: an assembler file in which calls of ThreadSanitizer's hooks became the short way of those hooks. Knows
 * what a compiler writes; knows nothing of files and processes.
 */
#ifndef INLINE_H
#define INLINE_H

#include <stddef.h>

/* The new text, which the caller frees, and its size; NULL when there is nothing to replace, or nothing that we may: the
 * text is then to be taken as it is. */
char *inline_hooks(const char *text, size_t size, size_t *ret_size);

#endif
