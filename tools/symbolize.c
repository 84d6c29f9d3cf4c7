/* SPDX-License-Identifier: Apache-2.0
 *
 * symbolize.c: modules of a process, and what of a stack a reader wants to see.
 *
 * A program counter in a stream is a return address: the call lies one byte before it, also when the next
 * byte is already another line or another function.
 *
 * Costs: a module is opened when an address in it is first asked for (some ms for a large debug file); an
 * address in a known unit takes microseconds. Stacks of a run that found nothing are never symbolized.
 */
#include "symbolize.h"

#include "symfile.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* The inlined calls that symfile.c follows, the function itself, and one to spare. */
#define FRAMES_PER_PC 34

/* Keyed by path and build id: a file that was replaced during the run is two files. */
struct file {
	const char *path, *build_id;
	struct symfile *symbols;
};

struct symbolizer {
	struct arena *arena;
	size_t n_files;
	struct file *files;
};

struct symbolizer *symbolize_new(struct arena *a)
{
	struct symbolizer *z = arena_alloc(a, sizeof *z);

	z->arena = a;
	return z;
}

/* Names that were given out are copies and stay. */
void symbolize_free(struct symbolizer *z)
{
	for (size_t i = 0; i < z->n_files; i++)
		symfile_close(z->files[i].symbols);
	z->n_files = 0;
}

/* The newest mapping wins: a library may have been unloaded and its place reused. */
static struct module *find_module(const struct process *p, uint64_t addr)
{
	for (size_t i = p->n_modules; i-- > 0;)
		if (addr >= p->modules[i].start && addr < p->modules[i].end)
			return &p->modules[i];
	return NULL;
}

/* A file that failed to open is remembered with NULL: it is not tried again for each address. */
static struct symfile *open_file(struct symbolizer *z, const char *path, const char *build_id)
{
	for (size_t i = 0; i < z->n_files; i++)
		if (strcmp(z->files[i].path, path) == 0 && strcmp(z->files[i].build_id, build_id) == 0)
			return z->files[i].symbols;
	z->files = arena_grow(z->arena, z->files, z->n_files, sizeof *z->files);
	struct file *f = &z->files[z->n_files++];
	*f = (struct file){path, build_id, symfile_open(z->arena, path, build_id)};
	return f->symbols;
}

/* Opened at the first address in the module: most modules of a process never appear in a stack. */
static struct symfile *symbols_of(struct symbolizer *z, struct module *m)
{
	if (m && !m->tried) {
		m->tried = true;
		m->symbols = open_file(z, m->path, m->build_id);
	}
	return m ? m->symbols : NULL;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* What no reader of a report wants to see: the detector, the runtime (shared, static, or inlined from its
 * header) and the code that calls main and thread functions. */
static bool is_machinery(const struct frame *f)
{
	static const char *const start[] = {"_start",
					    "__libc_start_main",
					    "__libc_start_call_main",
					    "__libc_start_main_impl",
					    "start_thread",
					    "clone",
					    "clone3",
					    "__clone3",
					    "__clone_internal",
					    "__GI___clone3"};
	static const char *const modules[] = {"libgosan.so", "libgosan_hooks.so", "libgoroutine.so"};

	/* By prefix, for the version that may follow the name. */
	for (size_t i = 0; i < sizeof modules / sizeof *modules; i++)
		if (starts(f->module, modules[i]))
			return true;
	for (size_t i = 0; i < sizeof start / sizeof *start; i++)
		if (strcmp(f->function, start[i]) == 0)
			return true;
	if (starts(f->function, "go__") || strcmp(base_name(f->file), "goroutine.h") == 0)
		return true;
	return starts(f->function, "go_") && strstr(f->file, "/runtime/") != NULL;
}

/* At least one frame for each address, if only with module and offset. */
static size_t expand(struct symbolizer *z, const struct process *p, uint64_t pc, struct frame *out)
{
	struct module *m = find_module(p, pc - 1);
	struct symfile *symbols = symbols_of(z, m);
	size_t n = symbols ? symfile_frames(symbols, pc - 1 - m->base, out, FRAMES_PER_PC) : 0;

	if (n == 0) {
		out[0] = (struct frame){.function = "", .file = ""};
		n = 1;
	}
	for (size_t i = 0; i < n; i++) {
		out[i].module = m ? base_name(m->path) : "";
		out[i].offset = m ? pc - 1 - m->base : pc;
		out[i].pc = pc;
	}
	return n;
}

/* The offset in a frame is that of the call, not of the return: looking it up again gives the same line. */
void symbolize_stack(struct symbolizer *z, const struct process *p, struct stack *st)
{
	struct frame *all = arena_alloc(z->arena, st->n_pcs * FRAMES_PER_PC * sizeof *all);
	size_t n = 0, kept = 0;

	for (size_t i = 0; i < st->n_pcs; i++)
		if (st->pcs[i])
			n += expand(z, p, st->pcs[i], all + n);
	st->frames = arena_alloc(z->arena, n * sizeof *all);
	for (size_t i = 0; i < n; i++)
		if (!is_machinery(&all[i]))
			st->frames[kept++] = all[i];
	if (kept == 0 && n > 0) {
		memcpy(st->frames, all, n * sizeof *all);
		kept = n;
	}
	st->n = kept;
}

/* The outermost question of all: one address, one frame, machinery only if there is nothing else. */
struct frame symbolize_pc(struct symbolizer *z, const struct process *p, uint64_t pc)
{
	struct stack one = {.n_pcs = 1, .pcs = &pc};

	symbolize_stack(z, p, &one);
	return one.n ? one.frames[0] : (struct frame){.function = "", .file = "", .module = ""};
}

const char *symbolize_variable(struct symbolizer *z, const struct process *p, uint64_t addr, uint64_t size)
{
	struct module *m = find_module(p, addr);
	struct symfile *symbols = symbols_of(z, m);

	return symbols ? symfile_variable(symbols, addr - m->base, size) : NULL;
}

const char *symbolize_offset(struct arena *a, const struct process *p, uint64_t addr)
{
	const struct module *m = find_module(p, addr);
	const char *slash = m ? strrchr(m->path, '/') : NULL;

	return m ? arena_printf(a, "%s+0x%" PRIx64, slash ? slash + 1 : m->path, addr - m->base) : NULL;
}

bool symbolize_in_module(const struct process *p, uint64_t addr)
{
	return find_module(p, addr) != NULL;
}

uint64_t symbolize_local_size(struct symbolizer *z, const struct process *p, uint64_t pc, const char *name)
{
	struct module *m = find_module(p, pc - 1);
	struct symfile *symbols = symbols_of(z, m);

	return symbols ? symfile_local_size(symbols, pc - 1 - m->base, name) : 0;
}

const char *symbolize_pointee(struct symbolizer *z, const struct process *p, uint64_t pc, const char *name,
			      const struct object *o, bool *ret_bytes)
{
	struct module *m = find_module(p, pc - 1);
	struct symfile *symbols = symbols_of(z, m);

	return symbols ? symfile_pointee_path(symbols, pc - 1 - m->base, name, o, ret_bytes) : NULL;
}
