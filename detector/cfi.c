/* SPDX-License-Identifier: Apache-2.0
 *
 * cfi.c: rules for leaving frames, from .eh_frame (Linux Standard Base 5.0, Core, chapter 10; DWARF 4, section 6.4).
 *
 *      pc ──► module (_dl_find_object, which takes no lock) ──► .eh_frame_hdr: sorted table ──► FDE, CIE
 *         ──► the rows of their program up to pc ──► one rule ──► 64 bits in the table of known rules
 *
 * Of the registers only the two matter that a frame is found by. A rule is published in two words, the program
 * counter being stored xored with the rule: whoever reads two halves of different entries sees that they don't belong
 * together (Hyatt and Mann's transposition tables do the same), so there is no lock and no order to keep.
 */
#include "cfi.h"

#include "arch/frame.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

#define KNOWN_BITS 13 /* a large program synchronises at some thousand places, outer frames included */
#define SAVED_ROWS 4  /* DW_CFA_remember_state nests once in what compilers emit */

/* Pointer encodings (DW_EH_PE_*) that linkers use here. */
#define PE_ABSPTR       0x00
#define PE_UDATA4       0x03
#define PE_PCREL_SDATA4 0x1b
#define PE_PCREL_SDATA8 0x1c
#define PE_DATAREL_SD4  0x3b
#define PE_OMIT         0xff

#define OP_BREG_FP (0x70 + ARCH_REG_FP) /* DW_OP_breg6 */
#define OP_DEREF   0x06

static struct known {
	uint64_t check; /* the address, xored with the rule */
	uint64_t rule;
} known[1u << KNOWN_BITS];

static int (*find_object)(void *, struct dl_find_object *);

/* One row of the table that a frame's program describes: the rules from one address to the next. Registers that no walk
 * needs have none here. */
struct row {
	enum gosan_cfi_kind kind; /* SP, FP, FP_DEREF or STRANGE */
	enum gosan_cfi_fp saved;
	int64_t cfa, fp;
	bool ra_usual, ra_none;
};

/* What a CIE says for all its FDEs. */
struct common {
	uint64_t code_align;
	int64_t data_align;
	uint8_t encoding; /* of the addresses in the FDE */
	bool augmented, signal;
	const uint8_t *program, *end;
};

struct machine {
	struct row row, first, saved[SAVED_ROWS];
	unsigned n_saved;
	const struct common *c;
	uintptr_t at; /* the address from which on the row holds */
};

/* ---- bytes ---- */

/* All of .eh_frame is written by the program's own linker and mapped for as long as its module is loaded, so lengths are
 * believed; a reader that meets the end of its entry stays there and gives zeros, which never makes it run on. */

static uint64_t read_uleb(const uint8_t **p, const uint8_t *end)
{
	uint64_t v = 0;

	for (unsigned shift = 0; *p < end; shift += 7) {
		uint8_t b = *(*p)++;

		v |= shift < 64 ? (uint64_t)(b & 0x7f) << shift : 0;
		if (!(b & 0x80))
			break;
	}
	return v;
}

static int64_t read_sleb(const uint8_t **p, const uint8_t *end)
{
	uint64_t v = 0;
	unsigned shift = 0;

	while (*p < end) {
		uint8_t b = *(*p)++;

		v |= shift < 64 ? (uint64_t)(b & 0x7f) << shift : 0;
		shift += 7;
		if (b & 0x80)
			continue;
		if (b & 0x40 && shift < 64)
			v |= ~UINT64_C(0) << shift;
		break;
	}
	return (int64_t)v;
}

/* Little-endian words at any address; 0 when they are cut off. */
static uint64_t read_word(const uint8_t **p, const uint8_t *end, size_t size)
{
	uint64_t v = 0;

	if ((size_t)(end - *p) < size) {
		*p = end;
		return 0;
	}
	memcpy(&v, *p, size);
	*p += size;
	return v;
}

/* Addresses in a CIE or FDE, relative to where they stand in all code that may lie anywhere. */
static uintptr_t read_pointer(const uint8_t **p, const uint8_t *end, uint8_t encoding, bool *ret_bad)
{
	uintptr_t here = (uintptr_t)*p;

	switch (encoding) {
	case PE_ABSPTR:
		return (uintptr_t)read_word(p, end, 8);
	case PE_UDATA4:
		return (uintptr_t)read_word(p, end, 4);
	case PE_PCREL_SDATA4:
		return here + (uintptr_t)(int64_t)(int32_t)read_word(p, end, 4);
	case PE_PCREL_SDATA8:
		return here + (uintptr_t)read_word(p, end, 8);
	default:
		*ret_bad = true;
		return 0;
	}
}

/* ---- the program of a frame ---- */

/* "breg6 n; deref", with or without the deref: how a stack that was aligned anew is found. */
static bool is_fp_expression(const uint8_t *p, const uint8_t *end, bool deref, int64_t *ret_offset)
{
	if (p >= end || *p++ != OP_BREG_FP)
		return false;
	*ret_offset = read_sleb(&p, end);
	return deref ? p + 1 == end && *p == OP_DEREF : p == end;
}

static void set_cfa(struct row *r, uint64_t reg, int64_t offset)
{
	r->kind = reg == ARCH_REG_SP ? GOSAN_CFI_SP : reg == ARCH_REG_FP ? GOSAN_CFI_FP : GOSAN_CFI_STRANGE;
	r->cfa = offset;
}

/* The register was saved at CFA + offset. */
static void set_saved(struct row *r, uint64_t reg, int64_t offset)
{
	if (reg == ARCH_REG_FP) {
		r->saved = GOSAN_CFI_AT_CFA;
		r->fp = offset;
	} else if (reg == ARCH_REG_RA) {
		r->ra_usual = offset == -(int64_t)sizeof(void *);
	}
}

/* Back to what the CIE said, which holds at the beginning of every function. */
static void restore(struct machine *m, uint64_t reg)
{
	if (reg == ARCH_REG_FP) {
		m->row.saved = m->first.saved;
		m->row.fp = m->first.fp;
	} else if (reg == ARCH_REG_RA) {
		m->row.ra_usual = m->first.ra_usual;
		m->row.ra_none = m->first.ra_none;
	}
}

/* A frame pointer that was saved in a frame that was aligned anew lies at no fixed distance from the CFA, but at one
 * from itself: it is the word that it points to. */
static void expression(struct machine *m, uint64_t reg, const uint8_t *p, const uint8_t *end)
{
	if (reg == ARCH_REG_FP && is_fp_expression(p, end, false, &m->row.fp))
		m->row.saved = GOSAN_CFI_AT_FP;
	else if (reg == ARCH_REG_FP || reg == ARCH_REG_RA)
		m->row.kind = GOSAN_CFI_STRANGE;
}

/* A register's rule that is none of an address in the frame. */
static void lost_register(struct machine *m, uint64_t reg)
{
	if (reg == ARCH_REG_FP || reg == ARCH_REG_RA)
		m->row.kind = GOSAN_CFI_STRANGE;
}

/* Without a return address: _start and the entry of a thread. A frame pointer without a value is of no use to those
 * outside, so nothing is lost by leaving it as it is. */
static void undefined(struct machine *m, uint64_t reg)
{
	if (reg == ARCH_REG_RA)
		m->row.ra_none = true;
	else if (reg == ARCH_REG_FP)
		m->row.saved = GOSAN_CFI_SAME;
}

/* The rows before an early return: what comes after it in the code continues from there. */
static bool push_row(struct machine *m)
{
	if (m->n_saved == SAVED_ROWS)
		return false;
	m->saved[m->n_saved++] = m->row;
	return true;
}

static bool pop_row(struct machine *m)
{
	if (m->n_saved == 0)
		return false;
	m->row = m->saved[--m->n_saved];
	return true;
}

static void skip(const uint8_t **p, const uint8_t *end, uint64_t n)
{
	*p = n < (uint64_t)(end - *p) ? *p + n : end;
}

/* The instructions whose opcode fills the whole byte. False: unknown, nothing can be said from here on. */
static bool extended(struct machine *m, uint8_t op, const uint8_t **p, const uint8_t *end)
{
	const int64_t align = m->c->data_align;
	uint64_t reg, n;

	switch (op) {
	case 0x00: /* nop */
		return true;
	case 0x02: /* advance_loc1, 2, 4 */
	case 0x03:
	case 0x04:
		m->at += read_word(p, end, (size_t)1 << (op - 2)) * m->c->code_align;
		return true;
	case 0x05: /* offset_extended */
		reg = read_uleb(p, end);
		set_saved(&m->row, reg, (int64_t)read_uleb(p, end) * align);
		return true;
	case 0x06: /* restore_extended */
		restore(m, read_uleb(p, end));
		return true;
	case 0x07: /* undefined */
		undefined(m, read_uleb(p, end));
		return true;
	case 0x08: /* same_value */
		if (read_uleb(p, end) == ARCH_REG_FP)
			m->row.saved = GOSAN_CFI_SAME;
		return true;
	case 0x09: /* register */
	case 0x14: /* val_offset */
		lost_register(m, read_uleb(p, end));
		read_uleb(p, end);
		return true;
	case 0x0a:
		return push_row(m);
	case 0x0b:
		return pop_row(m);
	case 0x0c: /* def_cfa */
		reg = read_uleb(p, end);
		set_cfa(&m->row, reg, (int64_t)read_uleb(p, end));
		return true;
	case 0x0d: /* def_cfa_register */
		set_cfa(&m->row, read_uleb(p, end), m->row.cfa);
		return true;
	case 0x0e: /* def_cfa_offset */
		m->row.cfa = (int64_t)read_uleb(p, end);
		return true;
	case 0x0f: /* def_cfa_expression */
		n = read_uleb(p, end);
		m->row.kind = n <= (uint64_t)(end - *p) && is_fp_expression(*p, *p + n, true, &m->row.cfa)
				      ? GOSAN_CFI_FP_DEREF
				      : GOSAN_CFI_STRANGE;
		skip(p, end, n);
		return true;
	case 0x10: /* expression, val_expression */
	case 0x16:
		reg = read_uleb(p, end);
		n = read_uleb(p, end);
		if (op == 0x16 || n > (uint64_t)(end - *p))
			lost_register(m, reg);
		else
			expression(m, reg, *p, *p + n);
		skip(p, end, n);
		return true;
	case 0x11: /* offset_extended_sf */
		reg = read_uleb(p, end);
		set_saved(&m->row, reg, read_sleb(p, end) * align);
		return true;
	case 0x2e: /* GNU_args_size */
		read_uleb(p, end);
		return true;
	default:
		return false;
	}
}

/* Runs until the row no longer holds for pc. */
static bool run(struct machine *m, const uint8_t *p, const uint8_t *end, uintptr_t pc)
{
	while (p < end && m->at <= pc) {
		uint8_t op = *p++, low = op & 0x3f;

		switch (op >> 6) {
		case 0:
			if (!extended(m, op, &p, end))
				return false;
			break;
		case 1: /* advance_loc */
			m->at += low * m->c->code_align;
			break;
		case 2: /* offset */
			set_saved(&m->row, low, (int64_t)read_uleb(&p, end) * m->c->data_align);
			break;
		default: /* restore */
			restore(m, low);
			break;
		}
	}
	return true;
}

/* ---- CIE and FDE ---- */

/* Length and end of an entry; the long form of 64 bits does not occur below 4 GiB. */
static const uint8_t *entry(const uint8_t *p, const uint8_t **ret_end)
{
	uint32_t length;

	memcpy(&length, p, sizeof length);
	*ret_end = p + sizeof length + length;
	return length && length != UINT32_MAX ? p + sizeof length : NULL;
}

/* The letters that matter: R how FDEs give addresses, S a signal's frame; P and L are skipped. */
static bool read_augmentation(struct common *c, const char *letters, const uint8_t **p, const uint8_t *end)
{
	bool bad = false;

	if (*letters != 'z')
		return *letters == 0;
	c->augmented = true;
	uint64_t n = read_uleb(p, end);
	const uint8_t *q = *p;

	for (letters++; *letters && !bad; letters++) {
		if (*letters == 'R') {
			c->encoding = (uint8_t)read_word(&q, end, 1);
		} else if (*letters == 'P') {
			uint8_t how = (uint8_t)read_word(&q, end, 1) & 0x7f;

			if (how != PE_OMIT)
				read_pointer(&q, end, how, &bad);
		} else if (*letters == 'L') {
			q++;
		} else if (*letters == 'S') {
			c->signal = true;
		} else {
			bad = *letters != 'B';
		}
	}
	skip(p, end, n);
	return !bad;
}

static bool read_common(struct common *c, const uint8_t *cie)
{
	const uint8_t *p = entry(cie, &c->end);
	uint8_t version;

	if (!p)
		return false;
	p += 4; /* the id of a CIE: 0 */
	version = *p++;
	const char *letters = (const char *)p;

	p += strlen(letters) + 1;
	c->code_align = read_uleb(&p, c->end);
	c->data_align = read_sleb(&p, c->end);
	uint64_t ra = version == 1 ? read_word(&p, c->end, 1) : read_uleb(&p, c->end);

	if ((version != 1 && version != 3) || ra != ARCH_REG_RA || !read_augmentation(c, letters, &p, c->end))
		return false;
	c->program = p;
	return true;
}

/* The last entry of the sorted table that begins at or before pc; NULL when there is none. */
static const uint8_t *find_fde(const uint8_t *header, uintptr_t pc)
{
	const uint8_t *p = header + 4;
	uint32_t n, lo = 0, hi;

	if (header[0] != 1 || header[1] != PE_PCREL_SDATA4 || header[2] != PE_UDATA4 ||
	    header[3] != PE_DATAREL_SD4)
		return NULL;
	memcpy(&n, p + 4, sizeof n);
	const struct {
		int32_t begin, fde;
	} *table = (const void *)(p + 8);

	for (hi = n; lo < hi;) {
		uint32_t mid = lo + (hi - lo) / 2;

		if ((uintptr_t)header + (uintptr_t)(intptr_t)table[mid].begin <= pc)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo ? header + table[lo - 1].fde : NULL;
}

/* What does not fit into the packed form, frames of more than 2 GiB, is left to libunwind like all that is unusual. */
static struct gosan_cfi rule_of_row(const struct row *r)
{
	if (r->ra_none)
		return (struct gosan_cfi){.kind = GOSAN_CFI_END};
	if (!r->ra_usual || r->cfa != (int32_t)r->cfa || r->fp != (int64_t)(int32_t)r->fp ||
	    r->fp < -(1 << 22) || r->fp >= 1 << 22)
		return (struct gosan_cfi){.kind = GOSAN_CFI_STRANGE};
	return (struct gosan_cfi){r->kind, r->saved, (int32_t)r->cfa, (int32_t)r->fp};
}

/* The table names the nearest function before pc; whether pc lies in it, only its own FDE says. Code between functions,
 * such as a just-in-time compiler's that is linked into the program, has none. */
static struct gosan_cfi work_out(const uint8_t *fde, uintptr_t pc)
{
	const struct gosan_cfi strange = {.kind = GOSAN_CFI_STRANGE};
	const uint8_t *end, *p = entry(fde, &end);
	struct common c = {.encoding = PE_ABSPTR};
	struct machine m = {.row = {.kind = GOSAN_CFI_STRANGE}, .c = &c};
	bool bad = false;
	uint32_t back;

	if (!p)
		return strange;
	memcpy(&back, p, sizeof back);
	if (back == 0 || !read_common(&c, p - back))
		return strange;
	p += sizeof back;
	uintptr_t begin = read_pointer(&p, end, c.encoding, &bad);
	uintptr_t size = read_pointer(&p, end, c.encoding & 0x0f ? PE_UDATA4 : PE_ABSPTR, &bad);

	if (bad || (c.encoding & 0x0f) == 0x0c)
		return strange;
	if (pc - begin >= size)
		return (struct gosan_cfi){.kind = GOSAN_CFI_BARE};
	if (c.signal)
		return (struct gosan_cfi){.kind = GOSAN_CFI_SIGNAL};
	if (c.augmented)
		skip(&p, end, read_uleb(&p, end));
	if (!run(&m, c.program, c.end, UINTPTR_MAX))
		return strange;
	m.first = m.row;
	m.at = begin;
	return run(&m, p, end, pc) ? rule_of_row(&m.row) : strange;
}

/* The linker's answer may be out of date by the time it is used only for a module that is being unloaded, and code that is
 * on this stack keeps its module; a chance word that looks like a return address into one is as good as none. */
static struct gosan_cfi look(uintptr_t pc)
{
	struct dl_find_object object;
	const uint8_t *fde;

	if (!find_object || find_object((void *)pc, &object) != 0)
		return (struct gosan_cfi){.kind = GOSAN_CFI_NOWHERE};
	fde = object.dlfo_eh_frame ? find_fde(object.dlfo_eh_frame, pc) : NULL;
	return fde ? work_out(fde, pc) : (struct gosan_cfi){.kind = GOSAN_CFI_BARE};
}

/* ---- known rules ---- */

/*      63          32 31           8 7    4 3    0
 *     |     cfa      |      fp      | saved | kind |          a kind of 0 is not kept                          */
static uint64_t pack(struct gosan_cfi r)
{
	return (uint64_t)(uint32_t)r.cfa << 32 | ((uint64_t)(uint32_t)r.fp & 0xffffff) << 8 |
	       (uint64_t)r.saved << 4 | (uint64_t)r.kind;
}

static struct gosan_cfi unpack(uint64_t w)
{
	return (struct gosan_cfi){(enum gosan_cfi_kind)(w & 15), (enum gosan_cfi_fp)(w >> 4 & 15),
				  (int32_t)(w >> 32), (int32_t)((uint32_t)w & 0xffffff00) >> 8};
}

/* Code that was made at run time has no rule to remember: a module may be loaded there later. */
struct gosan_cfi gosan_cfi_rule(uintptr_t pc)
{
	struct known *k = &known[(pc * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - KNOWN_BITS)];
	uint64_t rule = __atomic_load_n(&k->rule, __ATOMIC_RELAXED);
	struct gosan_cfi r;

	if (rule && (__atomic_load_n(&k->check, __ATOMIC_RELAXED) ^ rule) == pc)
		return unpack(rule);
	r = look(pc);
	if (r.kind != GOSAN_CFI_NOWHERE) {
		rule = pack(r);
		__atomic_store_n(&k->rule, rule, __ATOMIC_RELAXED);
		__atomic_store_n(&k->check, pc ^ rule, __ATOMIC_RELAXED);
	}
	return r;
}

bool gosan_cfi_init(void)
{
	if (ARCH_FRAME_KNOWN)
		*(void **)&find_object = dlsym(RTLD_DEFAULT, "_dl_find_object");
	return find_object != NULL;
}

void gosan_cfi_forget(void)
{
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		__atomic_store_n(&known[i].rule, 0, __ATOMIC_RELAXED);
}
