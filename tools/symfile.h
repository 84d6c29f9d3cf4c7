/* SPDX-License-Identifier: Apache-2.0
 *
 * symfile.h: names in one ELF file: code addresses to frames, data addresses to variables. Addresses are
 * the file's own (not relocated). Knows libdw; knows no processes.
 *
 * Indexes are built once and on demand: ranges of compilation units at the first look-up, a unit's functions
 * and lines when an address of it is asked for, variables of all units at the first data address. No
 * .debug_aranges is needed (clang writes none). Separate debug files are found as gdb finds them.
 */
#ifndef SYMFILE_H
#define SYMFILE_H

#include "report.h"

struct symfile;

/* The file at path; where that cannot be read, is no ELF file, or has another build id than build_id (hex; "" accepts
 * any), the debug file of that id (debugfile.h); NULL when there is none: names from a rebuilt file would be wrong.
 * Memory belongs to `a`, and symfile_close gives back what libdw holds. */
struct symfile *symfile_open(struct arena *a, const char *path, const char *build_id);
void symfile_close(struct symfile *s);

/* Frames at addr, innermost first: inlined calls and then the function. At most max; 0 when neither DWARF
 * nor the symbol table knows the address. module, offset and pc are left to the caller. */
size_t symfile_frames(struct symfile *s, uint64_t addr, struct frame *ret, size_t max);

/* Name of the variable with static storage that covers addr, with members and indexes ("cache.len",
 * "slots[3].n"). size is that of the access, or 0 for a synchronisation object: then the path ends at a
 * member of a synchronisation type, if there is one. NULL when unknown. */
const char *symfile_variable(struct symfile *s, uint64_t addr, uint64_t size);

/* Of the local variable or parameter `name` of the function that covers addr: how many bytes it has, 0 when
 * there is none. */
uint64_t symfile_local_size(struct symfile *s, uint64_t addr, const char *name);
/* The place in a heap block that the pointer `name` points to: ".len", "[3]"; "" at the very start, NULL when
 * unknown. name is a variable of the function that covers addr, or of its file, with members from there on
 * ("q->slots"). *ret_bytes is set when these are bytes, in which anything may lie. */
const char *symfile_pointee_path(struct symfile *s, uint64_t addr, const char *name, const struct object *o,
				 bool *ret_bytes);

#endif
