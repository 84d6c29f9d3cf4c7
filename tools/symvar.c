/* SPDX-License-Identifier: Apache-2.0
 *
 * symvar.c: data addresses to variables and their members.
 *
 * All variables with a fixed address are indexed at the first question; a path goes from the variable down
 * through its type, as far as offset and size of the access say.
 *
 * The walk over all units costs some 10 ms per MB of debug information and happens at most once per file,
 * only when an address lies in that file's data. Structures are descended without expanding typedefs
 * first, because the name of a typedef tells a mutex from the struct it is.
 */
#include "symfile_private.h"

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

/* Longer paths help nobody; also the bound for a type that contains itself in broken debug
 * information. */
#define PATH_DEPTH_MAX 16
#define DIE_DEPTH_MAX  256
#define SCALAR_MAX     16 /* bytes of the largest access of one instruction */

/* --- Types ------------------------------------------------------------------------------------------ */

/* Through abstract origin and specification, as names. */
static bool type_of(Dwarf_Die *die, Dwarf_Die *ret)
{
	Dwarf_Attribute attr;

	return dwarf_formref_die(dwarf_attr_integrate(die, DW_AT_type, &attr), ret) != NULL;
}

/* 0 for incomplete types and functions: then nothing lies inside. */
static uint64_t type_size(Dwarf_Die *type)
{
	Dwarf_Word size = 0;

	return dwarf_aggregate_size(type, &size) == 0 ? size : 0;
}

/* Types at which the path of a synchronisation object ends, though they have members of their own. */
static bool is_sync_type(Dwarf_Die *type)
{
	static const char *const prefixes[] = {"go_", "pthread_", "sem_t", "mtx_t", "cnd_t", "once_flag"};
	Dwarf_Die d = *type;

	for (int i = 0; i < PATH_DEPTH_MAX; i++) {
		const char *name = dwarf_diename(&d);

		for (size_t k = 0; name && k < sizeof prefixes / sizeof *prefixes; k++)
			if (strncmp(name, prefixes[k], strlen(prefixes[k])) == 0)
				return true;
		if (dwarf_tag(&d) != DW_TAG_typedef || !type_of(&d, &d))
			return false;
	}
	return false;
}

/* Byte offset and size of a member; a bit-field covers the bytes that its bits touch. */
static bool member_at(Dwarf_Die *member, uint64_t *ret_offset, uint64_t *ret_size)
{
	Dwarf_Attribute attr;
	Dwarf_Die type;
	Dwarf_Word offset = 0, bits = 0, bit = 0;

	if (!type_of(member, &type))
		return false;
	if (dwarf_attr(member, DW_AT_data_member_location, &attr) && dwarf_formudata(&attr, &offset) != 0)
		return false;
	*ret_size = type_size(&type);
	if (dwarf_attr(member, DW_AT_bit_size, &attr) && dwarf_formudata(&attr, &bits) == 0) {
		if (dwarf_attr(member, DW_AT_data_bit_offset, &attr))
			dwarf_formudata(&attr, &bit);
		offset += bit / 8;
		*ret_size = (bit % 8 + bits + 7) / 8;
	}
	*ret_offset = offset;
	return true;
}

/* The member of a struct or union that covers offset. */
static bool find_member(Dwarf_Die *type, uint64_t offset, Dwarf_Die *ret, uint64_t *ret_offset)
{
	Dwarf_Die die;

	if (dwarf_child(type, &die) != 0)
		return false;
	do {
		uint64_t at, size;
		int tag = dwarf_tag(&die);

		if ((tag == DW_TAG_member || tag == DW_TAG_inheritance) && member_at(&die, &at, &size) &&
		    offset >= at && offset < at + size) {
			*ret = die;
			*ret_offset = at;
			return true;
		}
	} while (dwarf_siblingof(&die, &die) == 0);
	return false;
}

/* One step into an array. Several dimensions count as one, row by row. */
static const char *enter_array(struct symfile *s, const char *path, Dwarf_Die *type, uint64_t *offset)
{
	Dwarf_Die element;

	if (!type_of(type, &element))
		return NULL;
	uint64_t size = type_size(&element);
	if (size == 0)
		return NULL;
	path = arena_printf(s->arena, "%s[%llu]", path, (unsigned long long)(*offset / size));
	*offset %= size;
	*type = element;
	return path;
}

/* Base classes and anonymous members add nothing to the path: C and C++ don't name them either. */
static const char *enter_struct(struct symfile *s, const char *path, Dwarf_Die *type, uint64_t *offset)
{
	Dwarf_Die member;
	uint64_t at;

	if (!find_member(type, *offset, &member, &at))
		return NULL;
	const char *name = dwarf_tag(&member) == DW_TAG_member ? dwarf_diename(&member) : NULL;
	if (name)
		path = arena_printf(s->arena, "%s.%s", path, name);
	*offset -= at;
	return type_of(&member, type) ? path : NULL;
}

/* One step down; NULL at a scalar, or where the type has no member at that offset. */
static const char *enter(struct symfile *s, const char *path, Dwarf_Die *type, uint64_t *offset)
{
	switch (dwarf_tag(type)) {
	case DW_TAG_array_type:
		return enter_array(s, path, type, offset);
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
	case DW_TAG_union_type:
		return enter_struct(s, path, type, offset);
	}
	return NULL;
}

/* A struct with one member of its own size: an access of a scalar's size means the member. */
static bool is_wrapper(struct symfile *s, Dwarf_Die type, uint64_t size)
{
	uint64_t offset = 0, whole = type_size(&type);

	return size == whole && size <= SCALAR_MAX && enter(s, "", &type, &offset) &&
	       type_size(&type) == size;
}

/* Descend while the access is smaller than what the path names. Without a size, a path that finds no
 * synchronisation type ends where the offset is used up. */
static const char *member_path(struct symfile *s, const char *path, Dwarf_Die type, uint64_t offset,
			       uint64_t size)
{
	const char *at_start = NULL;

	for (int i = 0; i < PATH_DEPTH_MAX; i++) {
		Dwarf_Die peeled;

		if (size == 0 && offset == 0 && is_sync_type(&type))
			return path;
		if (offset == 0 && !at_start)
			at_start = path;
		if (dwarf_peel_type(&type, &peeled) != 0)
			break;
		if (offset == 0 && size >= type_size(&peeled) && !is_wrapper(s, peeled, size))
			break;
		type = peeled;
		const char *deeper = enter(s, path, &type, &offset);
		if (!deeper)
			break;
		path = deeper;
	}
	return size == 0 && at_start ? at_start : path;
}

/* --- Variables with a fixed address ------------------------------------------------------------------- */

/* One operation that is an address: anything longer is computed, thread-local or optimised. Clang with
 * DWARF 5 writes an index into a table of addresses instead. */
static bool fixed_address(Dwarf_Die *die, uint64_t *ret)
{
	Dwarf_Attribute attr, operand;
	Dwarf_Op *ops;
	size_t n;

	if (!dwarf_attr_integrate(die, DW_AT_location, &attr) || dwarf_getlocation(&attr, &ops, &n) != 0)
		return false;
	/* Anything but a constant address. */
	if (n != 1 ||
	    (ops[0].atom != DW_OP_addr && ops[0].atom != DW_OP_addrx && ops[0].atom != DW_OP_GNU_addr_index))
		return false;
	if (ops[0].atom == DW_OP_addr) {
		*ret = ops[0].number;
		return true;
	}
	return dwarf_getlocation_attr(&attr, ops, &operand) == 0 && dwarf_formaddr(&operand, ret) == 0;
}

/* Declarations have no location and fall out here. */
static void add_variable(struct symfile *s, Dwarf_Die *die)
{
	Dwarf_Die type;
	uint64_t addr;

	if (!fixed_address(die, &addr) || addr == 0 || !type_of(die, &type))
		return;
	s->variables = arena_grow(s->arena, s->variables, s->n_variables, sizeof *s->variables);
	s->variables[s->n_variables++] =
		(struct variable){addr + s->bias, type_size(&type), dwarf_dieoffset(die)};
}

/* Static locals live in functions and blocks, class statics in namespaces. */
static void walk_variables(struct symfile *s, Dwarf_Die *parent, int depth)
{
	Dwarf_Die die;

	if (depth > DIE_DEPTH_MAX || dwarf_child(parent, &die) != 0)
		return;
	do {
		int tag = dwarf_tag(&die);

		if (tag == DW_TAG_variable)
			add_variable(s, &die);
		else if (tag == DW_TAG_subprogram || tag == DW_TAG_lexical_block || tag == DW_TAG_namespace ||
			 tag == DW_TAG_inlined_subroutine)
			walk_variables(s, &die, depth + 1);
	} while (dwarf_siblingof(&die, &die) == 0);
}

static int by_address(const void *a, const void *b)
{
	const struct variable *x = a, *y = b;

	return (x->addr > y->addr) - (x->addr < y->addr);
}

static void index_variables(struct symfile *s)
{
	for (size_t i = 0; i < s->n_units; i++) {
		Dwarf_Die die;

		if (dwarf_offdie(s->dwarf, s->units[i].die, &die))
			walk_variables(s, &die, 0);
	}
	if (s->n_variables)
		qsort(s->variables, s->n_variables, sizeof *s->variables, by_address);
	s->variables_indexed = true;
}

/* The last one that begins at or before addr; variables don't overlap. */
static const struct variable *find_variable(struct symfile *s, uint64_t addr)
{
	size_t lo = 0, hi;

	if (!s->variables_indexed)
		index_variables(s);
	for (hi = s->n_variables; lo < hi;) {
		size_t mid = (lo + hi) / 2;

		if (s->variables[mid].addr <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == 0 || addr >= s->variables[lo - 1].addr + s->variables[lo - 1].size)
		return NULL;
	return &s->variables[lo - 1];
}

/* Without debug information a symbol of the table names the whole; the compiler's ".0" of a static local
 * is no part of the name. */
static const char *symbol_variable(struct symfile *s, uint64_t addr)
{
	const struct elf_symbol *y = symfile_symbol(s, addr, true);

	if (!y)
		return NULL;
	size_t n = strcspn(y->name, ".");
	const char *name = arena_strndup(s->arena, y->name, n ? n : strlen(y->name));
	return addr == y->addr
		       ? name
		       : arena_printf(s->arena, "%s+%llu", name, (unsigned long long)(addr - y->addr));
}

/* Debug information first, then the symbol table: a stripped program keeps its exported names. */
const char *symfile_variable(struct symfile *s, uint64_t addr, uint64_t size)
{
	const struct variable *v = s->dwarf ? find_variable(s, addr) : NULL;
	Dwarf_Die die, type;

	if (!v || !dwarf_offdie(s->dwarf, v->die, &die) || !type_of(&die, &type))
		return symbol_variable(s, addr);
	const char *name = symfile_die_name(s, &die);
	return *name ? member_path(s, name, type, addr - v->addr, size) : symbol_variable(s, addr);
}

/* --- Locals -------------------------------------------------------------------------------------------- */

/* The first with that name, outermost block first. A shadowed name may be the wrong one: the caller's
 * question for the size catches most of that. */
static bool find_local(Dwarf_Die *parent, const char *name, int depth, Dwarf_Die *ret)
{
	Dwarf_Die die;

	if (depth > DIE_DEPTH_MAX || dwarf_child(parent, &die) != 0)
		return false;
	do {
		int tag = dwarf_tag(&die);
		Dwarf_Attribute attr;
		const char *own;

		if (tag == DW_TAG_lexical_block || tag == DW_TAG_inlined_subroutine) {
			if (find_local(&die, name, depth + 1, ret))
				return true;
		} else if (tag == DW_TAG_variable || tag == DW_TAG_formal_parameter) {
			own = dwarf_formstring(dwarf_attr_integrate(&die, DW_AT_name, &attr));
			*ret = die;
			if (own && strcmp(own, name) == 0)
				return true;
		}
	} while (dwarf_siblingof(&die, &die) == 0);
	return false;
}

/* A variable of the file, if no local has the name: definitions and declarations alike tell the type. */
static bool find_global(struct symfile *s, const struct unit *u, const char *name, Dwarf_Die *ret)
{
	Dwarf_Die unit;

	if (!dwarf_offdie(s->dwarf, u->die, &unit) || dwarf_child(&unit, ret) != 0)
		return false;
	do {
		Dwarf_Attribute attr;
		const char *own;

		if (dwarf_tag(ret) != DW_TAG_variable)
			continue;
		own = dwarf_formstring(dwarf_attr_integrate(ret, DW_AT_name, &attr));
		if (own && strcmp(own, name) == 0)
			return true;
	} while (dwarf_siblingof(ret, ret) == 0);
	return false;
}

static bool local_type(struct symfile *s, uint64_t addr, const char *name, Dwarf_Die *ret)
{
	struct unit *u;
	struct function *fn = s->dwarf ? symfile_function(s, addr, &u) : NULL;
	Dwarf_Die die, local;

	return fn && dwarf_offdie(s->dwarf, fn->die, &die) && find_local(&die, name, 0, &local) &&
	       type_of(&local, ret);
}

static bool variable_type(struct symfile *s, uint64_t addr, const char *name, Dwarf_Die *ret)
{
	struct unit *u;
	Dwarf_Die die;

	if (local_type(s, addr, name, ret))
		return true;
	return s->dwarf && symfile_function(s, addr, &u) && find_global(s, u, name, &die) &&
	       type_of(&die, ret);
}

/* What a pointer or an array leads to. */
static bool element_of(Dwarf_Die *type)
{
	if (dwarf_peel_type(type, type) != 0)
		return false;
	return (dwarf_tag(type) == DW_TAG_pointer_type || dwarf_tag(type) == DW_TAG_array_type) &&
	       type_of(type, type);
}

/* The member of a struct, or of one that *type points to. */
static bool member_of(Dwarf_Die *type, const char *name)
{
	Dwarf_Die die;

	if (dwarf_peel_type(type, type) != 0)
		return false;
	if (dwarf_tag(type) == DW_TAG_pointer_type && (!element_of(type) || dwarf_peel_type(type, type) != 0))
		return false;
	if (dwarf_child(type, &die) != 0)
		return false;
	do {
		const char *own = dwarf_tag(&die) == DW_TAG_member ? dwarf_diename(&die) : NULL;

		if (own && strcmp(own, name) == 0)
			return type_of(&die, type);
	} while (dwarf_siblingof(&die, &die) == 0);
	return false;
}

/* The type of what a statement calls "slots", "q->slots" or "table[i].head": a variable, and members from there
 * on. What stands in brackets makes no difference to the type. */
static bool expression_type(struct symfile *s, uint64_t addr, const char *text, Dwarf_Die *ret)
{
	size_t n = strcspn(text, "-.[");

	if (!variable_type(s, addr, arena_strndup(s->arena, text, n), ret))
		return false;
	for (text += n; *text; text += n) {
		if (*text == '[') {
			n = strcspn(text, "]");
			if (text[n] != ']' || memchr(text + 1, '[', n - 1) || !element_of(ret))
				return false;
			n++;
			continue;
		}
		text += strncmp(text, "->", 2) == 0 ? 2 : 1;
		n = strcspn(text, "-.[");
		if (!member_of(ret, arena_strndup(s->arena, text, n)))
			return false;
	}
	return true;
}

uint64_t symfile_local_size(struct symfile *s, uint64_t addr, const char *name)
{
	Dwarf_Die type;

	return local_type(s, addr, name, &type) ? type_size(&type) : 0;
}

/* struct { size_t n; int item[]; }: a block of it is one struct, however long. The last member, when it is such an
 * array. */
static bool flexible_member(Dwarf_Die type, Dwarf_Die *ret, uint64_t *ret_offset)
{
	Dwarf_Die die;
	uint64_t size = 1;

	if (dwarf_peel_type(&type, &type) != 0 || dwarf_tag(&type) != DW_TAG_structure_type ||
	    dwarf_child(&type, &die) != 0)
		return false;
	do {
		if (dwarf_tag(&die) == DW_TAG_member && member_at(&die, ret_offset, &size))
			*ret = die;
	} while (dwarf_siblingof(&die, &die) == 0);
	return size == 0 && type_of(ret, &type) && dwarf_tag(&type) == DW_TAG_array_type;
}

static const char *flexible_path(struct symfile *s, Dwarf_Die *member, uint64_t offset, uint64_t size)
{
	const char *name = dwarf_diename(member);
	Dwarf_Die type;

	if (!name || !type_of(member, &type))
		return NULL;
	const char *path = enter_array(s, arena_printf(s->arena, ".%s", name), &type, &offset);
	return path ? member_path(s, path, type, offset, size) : NULL;
}

/* A pointer is often the first of many elements: an index tells which, where the block has room for two. */
const char *symfile_pointee_path(struct symfile *s, uint64_t addr, const char *name, const struct object *o,
				 bool *ret_bytes)
{
	uint64_t offset = o->alloc_offset > 0 ? (uint64_t)o->alloc_offset : 0, end;
	Dwarf_Die type, target, member;

	if (!expression_type(s, addr, name, &type) || dwarf_peel_type(&type, &type) != 0)
		return NULL;
	if (dwarf_tag(&type) != DW_TAG_pointer_type || !type_of(&type, &target))
		return NULL;
	uint64_t element = type_size(&target);
	if (element == 0)
		return NULL;
	*ret_bytes = element == 1;
	if (flexible_member(target, &member, &end))
		return offset < end ? member_path(s, "", target, offset, o->size)
				    : flexible_path(s, &member, offset - end, o->size);
	const char *path = "";
	if (offset >= element || o->block_size >= 2 * element)
		path = arena_printf(s->arena, "[%llu]", (unsigned long long)(offset / element));
	return member_path(s, path, target, offset % element, o->size);
}
