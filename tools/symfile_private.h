/* SPDX-License-Identifier: Apache-2.0
 * symfile_private.h: shared by symfile.c (code) and symvar.c (data) only. */
#ifndef SYMFILE_PRIVATE_H
#define SYMFILE_PRIVATE_H

#include "symfile.h"

#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>

/* [lo, hi) belongs to units[unit]. */
struct unit_range {
	uint64_t lo, hi;
	size_t unit;
};

struct function {
	uint64_t lo, hi;
	Dwarf_Off die;
	const char *name; /* "" until asked for */
};

struct unit {
	Dwarf_Off die;
	bool indexed;
	size_t n_functions;
	struct function *functions; /* sorted by lo */
};

struct elf_symbol {
	uint64_t addr, size;
	const char *name;
	bool data;
};

struct variable {
	uint64_t addr, size;
	Dwarf_Off die;
};

struct symfile {
	struct arena *arena;
	Dwfl *dwfl;
	Dwfl_Module *module;
	Dwarf *dwarf;  /* NULL: no debug information */
	uint64_t bias; /* file address = DWARF address + bias */
	size_t n_units, n_ranges, n_symbols, n_variables;
	struct unit *units;
	struct unit_range *ranges;  /* sorted by lo */
	struct elf_symbol *symbols; /* sorted by addr */
	struct variable *variables; /* sorted by addr */
	bool variables_indexed;
};

/* The unit and function that cover addr (a file address); NULL when unknown. */
struct unit *symfile_unit(struct symfile *s, uint64_t addr);
struct function *symfile_function(struct symfile *s, uint64_t addr, struct unit **ret_unit);
const struct elf_symbol *symfile_symbol(const struct symfile *s, uint64_t addr, bool data);
const char *symfile_die_name(struct symfile *s, Dwarf_Die *die);

#endif
