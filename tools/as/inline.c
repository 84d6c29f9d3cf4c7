/* SPDX-License-Identifier: Apache-2.0
 *
 * inline.c: what stands in place of a call of a hook.
 *
 * A call may change rax, rcx, rdx, rsi, rdi, r8 to r11, the vector registers and the flags, and the compiler expects it
 * to. So there is room for the short way (hot/hot.h) without a look at the code around. A call stays behind it, where
 * it was: line numbers, unwind tables and the address that a report shows remain the compiler's own. That of an access
 * goes past the hook in libgosan_hot.a, which would look once more, to the one that is told its pc.
 *
 *      call __tsan_read8        goroutine's cell == first or second cell of the granule?  ->  past the call
 *                               call __tsan_read8_pc
 *
 * The answer has no branch but the last: which cell of a granule is whose, and which half of it was accessed from where,
 * is data, which no predictor knows. x86-64 and AT&T syntax; anything else is left alone.
 */
#include "inline.h"

#include "hot/hot.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct out {
	char *text;
	size_t n, room;
	unsigned labels;
	bool has_tables; /* needs them */
	bool failed;
};

/* Room for n bytes more, and for one piece of code. */
static bool reserve(struct out *o, size_t n)
{
	size_t room = o->room;
	char *text;

	while (o->n + n > room)
		room = room ? room * 2 : 65536;
	if (room == o->room)
		return true;
	text = realloc(o->text, room);
	if (!text) {
		o->failed = true;
		return false;
	}
	o->text = text;
	o->room = room;
	return true;
}

static void put(struct out *o, const char *text, size_t n)
{
	if (n == 0 || !reserve(o, n))
		return;
	memcpy(o->text + o->n, text, n);
	o->n += n;
}

static __attribute__((format(printf, 2, 3))) void code(struct out *o, const char *fmt, ...)
{
	char piece[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(piece, sizeof piece, fmt, args);
	va_end(args);
	put(o, piece, strlen(piece));
}

/* One instruction that calls a hook. */
struct call {
	const char *line; /* to be written again; with its newline */
	size_t size;
	const char *name; /* behind "__tsan_" */
	size_t name_size;
	bool tail; /* jmp */
};

/* The goroutine into rax, or to label S: .Lgosan<n>s. */
static void load_self(struct out *o)
{
	code(o, "\tmovq\t" GOSAN_HOT_SELF "@GOTTPOFF(%%rip), %%rax\n"
		"\tmovq\t%%fs:(%%rax), %%rax\n"
		"\ttestq\t%%rax, %%rax\n");
}

/* What an access of `size` bytes at an offset of a granule takes no notice of: other bytes, and of a read also whether the
 * cell wrote. Twice, for two cells. */
static void table(struct out *o, unsigned size, bool write)
{
	for (unsigned at = 0; at < 8; at++) {
		uint32_t bytes = ((1u << size) - 1) << at & GOSAN_HOT_ALL;
		uint32_t ignored = (GOSAN_HOT_ALL & ~bytes) | (write ? 0 : GOSAN_HOT_WRITE);

		code(o, "\t.long\t%u, %u\n", ignored, ignored);
	}
}

#define TABLE_BYTES 64
static const unsigned table_sizes[] = {1, 2, 4};
static size_t table_at(unsigned size, bool write)
{
	return ((size_t)write * 3 + size / 2) * TABLE_BYTES;
}

/* One copy per program or library, whichever object it comes from: a group of its own. */
static void tables(struct out *o)
{
	code(o, "\n\t.section\t.rodata.gosan_hot_ignored,\"aG\",@progbits,gosan_hot_ignored,comdat\n"
		"\t.weak\tgosan_hot_ignored\n"
		"\t.hidden\tgosan_hot_ignored\n"
		"\t.type\tgosan_hot_ignored, @object\n"
		"\t.balign\t64\n"
		"gosan_hot_ignored:\n");
	for (int write = 0; write < 2; write++)
		for (size_t i = 0; i < sizeof table_sizes / sizeof *table_sizes; i++)
			table(o, table_sizes[i], write);
	code(o, "\t.size\tgosan_hot_ignored, .-gosan_hot_ignored\n");
}

/* Sets in xmm0 what an access of a part of its granule does not ask for. */
static void ignore(struct out *o, unsigned size, bool write)
{
	if (size < 8)
		code(o,
		     "\tmovl\t%%edi, %%esi\n"
		     "\tandl\t$%u, %%esi\n"
		     "\tleaq\tgosan_hot_ignored+%zu(%%rip), %%rdx\n"
		     "\tmovq\t(%%rdx,%%rsi,8), %%xmm1\n"
		     "\tpor\t%%xmm1, %%xmm0\n",
		     8 - size, table_at(size, write));
	else if (!write)
		code(o, "\tpor\t%d(%%rax), %%xmm0\n", GOSAN_HOT_WRITES);
}

/* rdi: the address. Is one of the granule's cells, with what is not asked for set, the goroutine's own, which has all
 * bits set? Both are compared at once, and the zeros behind them with what they never equal. */
static void access(struct out *o, unsigned size, bool write)
{
	unsigned n = o->labels++;

	load_self(o);
	code(o, "\tje\t.Lgosan%us\n", n);
	if (size > 1)
		code(o, "\ttestb\t$%u, %%dil\n\tjne\t.Lgosan%us\n", size - 1, n);
	code(o,
	     "\tmovq\t%d(%%rax), %%rcx\n"
	     "\tmovq\t%d(%%rax), %%rdx\n"
	     "\tandq\t%%rdi, %%rcx\n"
	     "\tmovq\t(%%rdx,%%rcx,2), %%xmm0\n",
	     GOSAN_HOT_MASK, GOSAN_HOT_BASE);
	ignore(o, size, write);
	code(o,
	     "\tpcmpeqd\t%d(%%rax), %%xmm0\n"
	     "\tpmovmskb\t%%xmm0, %%ecx\n"
	     "\ttestl\t%%ecx, %%ecx\n"
	     "\tjne\t.Lgosan%uh\n"
	     ".Lgosan%us:\n"
	     "\tleaq\t.Lgosan%uh(%%rip), %%rsi\n"
	     "\tcall\t*__tsan_%s%u_pc@GOTPCREL(%%rip)\n"
	     ".Lgosan%uh:\n",
	     GOSAN_HOT_CELL, n, n, n, write ? "write" : "read", size, n);
	o->has_tables |= size < 8;
}

/* rdi: the return address. Any address in the function names it; which one is the same at each entry. */
static void entry(struct out *o, const struct call *c)
{
	unsigned n = o->labels++;

	load_self(o);
	code(o, "\tjne\t.Lgosan%uf\n.Lgosan%us:\n", n, n);
	put(o, c->line, c->size);
	code(o,
	     "\tjmp\t.Lgosan%uh\n"
	     ".Lgosan%uf:\n"
	     "\tmovq\t%d(%%rax), %%rdx\n"
	     "\tcmpq\t%d(%%rax), %%rdx\n"
	     "\tje\t.Lgosan%us\n"
	     "\tleaq\t.Lgosan%uh(%%rip), %%rcx\n"
	     "\tmovl\t%%ecx, %%ecx\n"
	     "\tmovq\t%%rdi, (%%rdx)\n"
	     "\tmovq\t%%rcx, 8(%%rdx)\n"
	     "\taddq\t$%d, %%rdx\n"
	     "\tmovq\t%%rdx, %d(%%rax)\n"
	     ".Lgosan%uh:\n",
	     n, n, GOSAN_HOT_FRAME, GOSAN_HOT_END, n, n, GOSAN_HOT_FRAME_SIZE, GOSAN_HOT_FRAME, n);
}

/* Often the last thing that a function does: then it returns from here. */
static void leave(struct out *o, const struct call *c)
{
	unsigned n = o->labels++;

	load_self(o);
	code(o, "\tjne\t.Lgosan%uf\n.Lgosan%us:\n", n, n);
	put(o, c->line, c->size);
	if (!c->tail)
		code(o, "\tjmp\t.Lgosan%uh\n", n);
	code(o,
	     ".Lgosan%uf:\n"
	     "\tmovq\t%d(%%rax), %%rdx\n"
	     "\tcmpq\t%d(%%rax), %%rdx\n"
	     "\tjbe\t.Lgosan%us\n"
	     "\tsubq\t$%d, %%rdx\n"
	     "\tmovq\t%%rdx, %d(%%rax)\n",
	     n, GOSAN_HOT_FRAME, GOSAN_HOT_FLOOR, n, GOSAN_HOT_FRAME_SIZE, GOSAN_HOT_FRAME);
	if (c->tail)
		code(o, "\tret\n");
	else
		code(o, ".Lgosan%uh:\n", n);
}

static size_t blanks(const char *p, const char *end)
{
	size_t n = 0;

	while (p + n < end && (p[n] == ' ' || p[n] == '\t'))
		n++;
	return n;
}

/* Skip `word` at *p. */
static bool skip(const char **p, const char *end, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(end - *p) < n || memcmp(*p, word, n) != 0)
		return false;
	*p += n;
	return true;
}

/* A line that is nothing but a direct call of, or jump to, a hook: perhaps by the PLT, perhaps with a comment. */
static bool parse(const char *line, const char *end, struct call *ret)
{
	const char *p = line + blanks(line, end);

	ret->tail = false;
	if (!skip(&p, end, "call")) {
		if (!skip(&p, end, "jmp"))
			return false;
		ret->tail = true;
	}
	skip(&p, end, "q");
	size_t gap = blanks(p, end);
	p += gap;
	if (!gap || !skip(&p, end, "__tsan_"))
		return false;
	ret->name = p;
	while (p < end && (*p == '_' || (*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z')))
		p++;
	ret->name_size = (size_t)(p - ret->name);
	skip(&p, end, "@PLT");
	p += blanks(p, end);
	ret->line = line;
	return p == end || *p == '\n' || *p == '#';
}

static bool named(const struct call *c, const char *name)
{
	return strlen(name) == c->name_size && memcmp(c->name, name, c->name_size) == 0;
}

/* read4, volatile_write1, read_write8 (clang's compound accesses, which count as the write). */
static bool is_access(const struct call *c, unsigned *ret_size, bool *ret_write)
{
	static const char *const prefixes[] = {"", "volatile_"};
	char name[32];

	for (unsigned size = 1; size <= 8; size *= 2)
		for (size_t i = 0; i < 5; i++) {
			static const char *const kinds[] = {"read", "write", "read_write", "read", "write"};

			snprintf(name, sizeof name, "%s%s%u", prefixes[i > 2], kinds[i], size);
			if (named(c, name)) {
				*ret_size = size;
				*ret_write = i % 3 != 0;
				return true;
			}
		}
	return false;
}

/* False: the line stays as it is. An access is never in the place of a return. */
static bool replace(struct out *o, const struct call *c)
{
	unsigned size;
	bool write;

	if (named(c, "func_exit"))
		leave(o, c);
	else if (!c->tail && named(c, "func_entry"))
		entry(o, c);
	else if (!c->tail && is_access(c, &size, &write))
		access(o, size, write);
	else
		return false;
	return true;
}

/* Somebody changes the syntax or the processor's mode, perhaps in the middle. */
static bool is_foreign(const char *text, size_t size)
{
	static const char *const words[] = {".intel_syntax", ".code32", ".code16"};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (memmem(text, size, words[i], strlen(words[i])))
			return true;
	return false;
}

char *inline_hooks(const char *text, size_t size, size_t *ret_size)
{
	const char *end = text + size, *kept = text, *next;
	struct out o = {0};

	if (is_foreign(text, size))
		return NULL;
	for (const char *line = text; line < end; line = next) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		struct call c;

		next = newline ? newline + 1 : end;
		if (!newline || !parse(line, next, &c))
			continue;
		c.size = (size_t)(next - line);
		put(&o, kept, (size_t)(line - kept));
		kept = replace(&o, &c) ? next : line;
	}
	put(&o, kept, (size_t)(end - kept));
	if (o.has_tables)
		tables(&o);
	if (o.failed || o.labels == 0) {
		free(o.text);
		return NULL;
	}
	*ret_size = o.n;
	return o.text;
}
