/* SPDX-License-Identifier: Apache-2.0
 *
 * symfile.c: code addresses to frames.
 *
 *   addr --ranges--> unit --functions--> subprogram --DIE tree--> chain of inlined calls
 *                      \--line table--> file:line:column
 *
 * libdw's own look-ups by address either need .debug_aranges or scan the whole unit for each address; here
 * each unit is walked once, when an address of it is first asked for.
 *
 * Costs, with n units and m functions in one of them: the ranges of all units once, O(n log n), reading
 * one DIE of each; the tree of a unit at the first address in it; then O(log n + log m) and the DIEs of
 * one function per address.
 *
 * Addresses: `addr` is the file's own (what objdump shows). Separate debug files may be biased against it;
 * every address that goes to libdw is reduced by s->bias, every one that comes from it is raised.
 */
#include "debugfile.h"
#include "symfile_private.h"

#include <dwarf.h>
#include <elfutils/libdwelf.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Deeper nesting is generated code; frames beyond are left out at the inner end. */
#define INLINE_MAX    32
#define DIE_DEPTH_MAX 256

/* The standard search: beside the file, .debug, /usr/lib/debug by name and by build id. */
static const Dwfl_Callbacks callbacks = {
	.find_elf = dwfl_build_id_find_elf,
	.find_debuginfo = dwfl_standard_find_debuginfo,
	.section_address = dwfl_offline_section_address,
};

/* --- Building ------------------------------------------------------------------------------------ */

static int by_range(const void *a, const void *b)
{
	const struct unit_range *x = a, *y = b;

	return (x->lo > y->lo) - (x->lo < y->lo);
}

static int by_function(const void *a, const void *b)
{
	const struct function *x = a, *y = b;

	return (x->lo > y->lo) - (x->lo < y->lo);
}

static int by_symbol(const void *a, const void *b)
{
	const struct elf_symbol *x = a, *y = b;

	return (x->addr > y->addr) - (x->addr < y->addr);
}

/* qsort must not get a NULL array, which is what an empty index is. */
static void sort(void *base, size_t n, size_t size, int (*cmp)(const void *, const void *))
{
	if (n > 1)
		qsort(base, n, size, cmp);
}

/* Address 0 is what the linker leaves in the ranges of functions that it threw away. */
static void index_units(struct symfile *s)
{
	Dwarf_Off offset = 0, next;
	size_t header;

	while (dwarf_nextcu(s->dwarf, offset, &next, &header, NULL, NULL, NULL) == 0) {
		Dwarf_Die die;
		Dwarf_Addr base, lo, hi;
		ptrdiff_t at = 0;

		if (dwarf_offdie(s->dwarf, offset + header, &die)) {
			s->units = arena_grow(s->arena, s->units, s->n_units, sizeof *s->units);
			s->units[s->n_units++] = (struct unit){.die = offset + header};
			while ((at = dwarf_ranges(&die, at, &base, &lo, &hi)) > 0) {
				if (lo == 0 || lo >= hi)
					continue;
				s->ranges = arena_grow(s->arena, s->ranges, s->n_ranges, sizeof *s->ranges);
				s->ranges[s->n_ranges++] =
					(struct unit_range){lo + s->bias, hi + s->bias, s->n_units - 1};
			}
		}
		offset = next;
	}
	sort(s->ranges, s->n_ranges, sizeof *s->ranges, by_range);
}

/* Sorted once: libdw's own look-up by address walks the whole table each time. Undefined and empty
 * symbols are no place. */
static void index_symbols(struct symfile *s)
{
	int n = dwfl_module_getsymtab(s->module);

	for (int i = 1; i < n; i++) {
		GElf_Sym sym;
		GElf_Addr addr;
		const char *name = dwfl_module_getsym_info(s->module, i, &sym, &addr, NULL, NULL, NULL);
		int type = GELF_ST_TYPE(sym.st_info);

		if (!name || !*name || sym.st_shndx == SHN_UNDEF || addr == 0)
			continue;
		if (type != STT_FUNC && type != STT_GNU_IFUNC && type != STT_OBJECT)
			continue;
		s->symbols = arena_grow(s->arena, s->symbols, s->n_symbols, sizeof *s->symbols);
		s->symbols[s->n_symbols++] = (struct elf_symbol){addr, sym.st_size, name, type == STT_OBJECT};
	}
	sort(s->symbols, s->n_symbols, sizeof *s->symbols, by_symbol);
}

/* A stripped program and its debug file share the id; a rebuilt program doesn't. Without an id on either
 * side there is nothing to compare. */
static bool same_build_id(Elf *elf, const char *build_id)
{
	const void *bytes;
	ssize_t n = dwelf_elf_gnu_build_id(elf, &bytes);
	char text[129] = "";

	if (!*build_id || n <= 0 || n > 64)
		return true;
	for (ssize_t i = 0; i < n; i++) {
		static const char digits[] = "0123456789abcdef";
		unsigned byte = ((const unsigned char *)bytes)[i];

		text[2 * i] = digits[byte >> 4];
		text[2 * i + 1] = digits[byte & 15];
	}
	return strcmp(text, build_id) == 0;
}

/* add_p_vaddr with base 0: module addresses are those in the file. */
static bool report_module(struct symfile *s, const char *path, const char *build_id)
{
	GElf_Addr bias;
	Dwarf_Addr dwarf_bias = 0;

	dwfl_report_begin(s->dwfl);
	s->module = dwfl_report_elf(s->dwfl, path, path, -1, 0, true);
	dwfl_report_end(s->dwfl, NULL, NULL);
	if (!s->module)
		return false;
	Elf *elf = dwfl_module_getelf(s->module, &bias);
	if (!elf || !same_build_id(elf, build_id))
		return false;
	s->dwarf = dwfl_module_getdwarf(s->module, &dwarf_bias);
	s->bias = dwarf_bias;
	return true;
}

/* Symbols are indexed at once, as they are cheap; everything of a unit waits until it is asked for. */
static struct symfile *open_path(struct arena *a, const char *path, const char *build_id)
{
	struct symfile *s = arena_alloc(a, sizeof *s);

	s->arena = a;
	if (access(path, R_OK) != 0)
		return NULL;
	s->dwfl = dwfl_begin(&callbacks);
	if (!s->dwfl)
		return NULL;
	if (!report_module(s, path, build_id)) {
		symfile_close(s);
		return NULL;
	}
	if (s->dwarf)
		index_units(s);
	index_symbols(s);
	return s;
}

/* A debug file has the sections and symbols of its program, so it stands for it. */
struct symfile *symfile_open(struct arena *a, const char *path, const char *build_id)
{
	struct symfile *s;
	char *other;

	debugfile_begin();
	s = open_path(a, path, build_id);
	if (s)
		return s;
	other = debugfile_find(build_id);
	if (other)
		s = open_path(a, other, build_id);
	free(other);
	return s;
}

void symfile_close(struct symfile *s)
{
	if (s && s->dwfl)
		dwfl_end(s->dwfl);
	if (s)
		s->dwfl = NULL;
}

/* --- A unit's functions ---------------------------------------------------------------------------- */

/* A function may have several ranges (a cold part far away); each is an entry of its own. */
static void add_function(struct symfile *s, struct unit *u, Dwarf_Die *die)
{
	Dwarf_Addr base, lo, hi;
	ptrdiff_t at = 0;

	while ((at = dwarf_ranges(die, at, &base, &lo, &hi)) > 0) {
		if (lo == 0 || lo >= hi)
			continue;
		u->functions = arena_grow(s->arena, u->functions, u->n_functions, sizeof *u->functions);
		u->functions[u->n_functions++] =
			(struct function){lo + s->bias, hi + s->bias, dwarf_dieoffset(die), ""};
	}
}

/* Functions hide in namespaces, classes, and (lambdas, nested functions) inside other functions. */
static void walk_functions(struct symfile *s, struct unit *u, Dwarf_Die *parent, int depth)
{
	Dwarf_Die die;

	if (depth > DIE_DEPTH_MAX || dwarf_child(parent, &die) != 0)
		return;
	do {
		int tag = dwarf_tag(&die);

		if (tag == DW_TAG_subprogram)
			add_function(s, u, &die);
		if (dwarf_haschildren(&die) && tag != DW_TAG_enumeration_type && tag != DW_TAG_array_type)
			walk_functions(s, u, &die, depth + 1);
	} while (dwarf_siblingof(&die, &die) == 0);
}

/* Binary search; ranges of units don't overlap. */
struct unit *symfile_unit(struct symfile *s, uint64_t addr)
{
	size_t lo = 0, hi = s->n_ranges;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (s->ranges[mid].lo <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	/* Between two units: padding, or code without debug information. */
	if (lo == 0 || addr >= s->ranges[lo - 1].hi)
		return NULL;
	struct unit *u = &s->units[s->ranges[lo - 1].unit];
	Dwarf_Die die;
	if (!u->indexed && dwarf_offdie(s->dwarf, u->die, &die)) {
		walk_functions(s, u, &die, 0);
		sort(u->functions, u->n_functions, sizeof *u->functions, by_function);
	}
	u->indexed = true;
	return u;
}

/* Binary search; ranges of functions of a unit don't overlap, since inlined copies are no functions. */
struct function *symfile_function(struct symfile *s, uint64_t addr, struct unit **ret_unit)
{
	struct unit *u = symfile_unit(s, addr);
	size_t lo = 0, hi = u ? u->n_functions : 0;

	*ret_unit = u;
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (u->functions[mid].lo <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo > 0 && addr < u->functions[lo - 1].hi ? &u->functions[lo - 1] : NULL;
}

const struct elf_symbol *symfile_symbol(const struct symfile *s, uint64_t addr, bool data)
{
	size_t lo = 0, hi = s->n_symbols;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (s->symbols[mid].addr <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	/* Aliases and markers without a size may lie between. */
	for (size_t tries = 0; lo-- > 0 && tries < 16; tries++) {
		const struct elf_symbol *y = &s->symbols[lo];

		if (y->data == data && addr < y->addr + (y->size ? y->size : 1))
			return y;
	}
	return NULL;
}

/* --- Names ------------------------------------------------------------------------------------------ */

/* What a C++ name is qualified by; functions and blocks are not. */
static bool is_scope(Dwarf_Die *die)
{
	int tag = dwarf_tag(die);

	return tag == DW_TAG_namespace || tag == DW_TAG_class_type || tag == DW_TAG_structure_type ||
	       tag == DW_TAG_union_type;
}

/* "ns::Class::name". libdw keeps no parents, so this scans the unit; the result is kept per function. */
static const char *qualified(struct symfile *s, Dwarf_Die *die, const char *name)
{
	Dwarf_Die unit, declaration, *scopes = NULL;
	Dwarf_Attribute attr;

	if (!dwarf_diecu(die, &unit, NULL, NULL) || dwarf_srclang(&unit) < 0)
		return name;
	if (dwarf_attr_integrate(die, DW_AT_linkage_name, &attr) == NULL)
		return name;
	/* The scopes are those of the declaration: the definition stands outside of its class. */
	declaration = *die;
	while (dwarf_attr(&declaration, DW_AT_abstract_origin, &attr) ||
	       dwarf_attr(&declaration, DW_AT_specification, &attr))
		if (!dwarf_formref_die(&attr, &declaration))
			return name;
	int n = dwarf_getscopes_die(&declaration, &scopes);
	for (int i = 1; i < n; i++) {
		const char *scope = is_scope(&scopes[i]) ? dwarf_diename(&scopes[i]) : NULL;

		if (scope)
			name = arena_printf(s->arena, "%s::%s", scope, name);
	}
	free(scopes);
	return name;
}

/* Through abstract origin and specification: an inlined copy or an out-of-line definition has no name
 * itself. A copy, for libdw's strings go with the file. */
const char *symfile_die_name(struct symfile *s, Dwarf_Die *die)
{
	Dwarf_Attribute attr;
	const char *name = dwarf_formstring(dwarf_attr_integrate(die, DW_AT_name, &attr));

	return name ? arena_strdup(s->arena, qualified(s, die, name)) : "";
}

/* An absolute path without "./" and "a/../". */
static const char *clean_path(struct symfile *s, Dwarf_Die *unit, const char *path)
{
	Dwarf_Attribute attr;
	const char *dir = dwarf_formstring(dwarf_attr(unit, DW_AT_comp_dir, &attr));
	char *out = *path == '/' || !dir ? arena_strdup(s->arena, path)
					 : arena_printf(s->arena, "%s/%s", dir, path);
	char *to = out, *from = out;

	while (*from) {
		size_t n = strcspn(from, "/");

		if (n == 2 && from[0] == '.' && from[1] == '.' && to > out + 1) {
			for (to--; to > out && to[-1] != '/';)
				to--;
		} else if (!(n == 1 && from[0] == '.') && !(n == 0 && to > out)) {
			memmove(to, from, n);
			to += n;
			*to++ = '/';
		}
		from += n + (from[n] == '/');
	}
	if (to > out)
		to--;
	*to = '\0';
	return out;
}

/* --- Look-up ---------------------------------------------------------------------------------------- */

/* The row that covers addr. Line 0 marks code that belongs to no line: the row before it is nearer to the
 * truth than none. */
static void locate(struct symfile *s, Dwarf_Die *unit, uint64_t addr, struct frame *f)
{
	Dwarf_Lines *lines;
	size_t n, lo = 0;
	int line = 0, column = 0;

	if (dwarf_getsrclines(unit, &lines, &n) != 0)
		return;
	for (size_t hi = n; lo < hi;) {
		size_t mid = (lo + hi) / 2;
		Dwarf_Addr at;

		if (dwarf_lineaddr(dwarf_onesrcline(lines, mid), &at) == 0 && at + s->bias <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	/* Backwards only over rows of line 0, and never past the end of a sequence, where another
	 * function begins. */
	for (; lo > 0; lo--) {
		Dwarf_Line *row = dwarf_onesrcline(lines, lo - 1);
		bool end = false;

		if (dwarf_lineendsequence(row, &end) != 0 || end || dwarf_lineno(row, &line) != 0)
			return;
		if (line == 0)
			continue;
		dwarf_linecol(row, &column);
		const char *file = dwarf_linesrc(row, NULL, NULL);
		f->file = file ? clean_path(s, unit, file) : "";
		f->line = (unsigned)line;
		f->column = (unsigned)column;
		return;
	}
}

/* 0 when it is missing: no line, no column, no file have the number 0. */
static Dwarf_Word attribute(Dwarf_Die *die, unsigned name)
{
	Dwarf_Attribute attr;
	Dwarf_Word value = 0;

	if (dwarf_attr(die, name, &attr))
		dwarf_formudata(&attr, &value);
	return value;
}

/* The place of an inlined call belongs to the frame around it. */
static void locate_call(struct symfile *s, Dwarf_Die *unit, Dwarf_Die *call, struct frame *f)
{
	Dwarf_Files *files;
	size_t n;
	Dwarf_Word file = attribute(call, DW_AT_call_file);

	f->line = (unsigned)attribute(call, DW_AT_call_line);
	f->column = (unsigned)attribute(call, DW_AT_call_column);
	if (dwarf_getsrcfiles(unit, &files, &n) == 0 && file < n) {
		const char *path = dwarf_filesrc(files, file, NULL, NULL);

		f->file = path ? clean_path(s, unit, path) : "";
	}
}

/* Append the inlined calls around addr, outermost first. */
static size_t inline_chain(Dwarf_Die *parent, uint64_t addr, Dwarf_Die *chain, size_t n)
{
	Dwarf_Die die;

	if (n == INLINE_MAX || dwarf_child(parent, &die) != 0)
		return n;
	do {
		int tag = dwarf_tag(&die);

		if (tag != DW_TAG_inlined_subroutine && tag != DW_TAG_lexical_block)
			continue;
		if (dwarf_haspc(&die, addr) <= 0)
			continue;
		if (tag == DW_TAG_inlined_subroutine)
			chain[n++] = die;
		return inline_chain(&die, addr, chain, n);
	} while (dwarf_siblingof(&die, &die) == 0);
	return n;
}

/* From the innermost inlined call outwards. Each frame's place is where the next inner one was inlined;
 * only the innermost has its place from the line table. */
static size_t dwarf_frames(struct symfile *s, uint64_t addr, struct frame *ret, size_t max)
{
	struct unit *u;
	struct function *fn = symfile_function(s, addr, &u);
	Dwarf_Die unit, chain[INLINE_MAX];
	struct frame at = {.function = "", .file = "", .module = ""};
	size_t n = 0;

	if (!u || !dwarf_offdie(s->dwarf, u->die, &unit))
		return 0;
	locate(s, &unit, addr, &at);
	if (!fn || !dwarf_offdie(s->dwarf, fn->die, &chain[0])) {
		const struct elf_symbol *y = symfile_symbol(s, addr, false);

		at.function = arena_strdup(s->arena, y ? y->name : "");
		ret[0] = at;
		return y || at.line;
	}
	if (!*fn->name)
		fn->name = symfile_die_name(s, &chain[0]);
	for (size_t depth = inline_chain(&chain[0], addr - s->bias, chain, 1); depth-- > 0 && n < max;) {
		at.inlined = depth > 0;
		at.function = depth ? symfile_die_name(s, &chain[depth]) : fn->name;
		ret[n++] = at;
		if (depth)
			locate_call(s, &unit, &chain[depth], &at);
	}
	return n;
}

/* Debug information first; the symbol table knows functions only, and the exported ones for sure. */
size_t symfile_frames(struct symfile *s, uint64_t addr, struct frame *ret, size_t max)
{
	size_t n = s->dwarf ? dwarf_frames(s, addr, ret, max) : 0;
	const struct elf_symbol *y;

	if (n)
		return n;
	y = symfile_symbol(s, addr, false);
	if (!y)
		return 0;
	ret[0] = (struct frame){.function = arena_strdup(s->arena, y->name), .file = "", .module = ""};
	return 1;
}
