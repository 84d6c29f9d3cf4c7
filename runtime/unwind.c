/* SPDX-License-Identifier: Apache-2.0
 *
 * unwind.c: printing a stack, by libunwind if the system has it.
 *
 * The library is loaded when the first stack is printed: a program that never dumps never pays for it.
 * Without it, a stack is the one address where the goroutine stopped.
 */
#include "scheduler.h"
#include "sys.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#define FRAMES       50
#define SIGNAL_FRAME 1 /* UNW_INIT_SIGNAL_FRAME */

/* Larger than unw_cursor_t on any processor. */
struct cursor {
	uint64_t words[1024];
};

static struct {
	bool tried;
	int (*init)(struct cursor *c, void *context, int flag);
	int (*step)(struct cursor *c);
	int (*reg)(struct cursor *c, int reg, uintptr_t *value);
	int (*name)(struct cursor *c, char *buf, size_t size, uintptr_t *offset);
} lib;

/* libunwind's functions have names per processor; the generic ones are macros. */
static void *symbol(void *handle, const char *name)
{
	char full[64];
	snprintf(full, sizeof(full), "%s%s", go__sys_unwind_prefix, name);
	return dlsym(handle, full);
}

/* RTLD_LOCAL: its unwinder functions must not replace those of libgcc for the program's exceptions. */
static bool load(void)
{
	if (!lib.tried) {
		lib.tried = true;
		void *handle = dlopen("libunwind.so.8", RTLD_NOW | RTLD_LOCAL);
		if (handle != NULL) {
			*(void **)&lib.init = symbol(handle, "init_local2");
			*(void **)&lib.step = symbol(handle, "step");
			*(void **)&lib.reg = symbol(handle, "get_reg");
			*(void **)&lib.name = symbol(handle, "get_proc_name");
		}
	}
	return lib.init != NULL && lib.step != NULL && lib.reg != NULL && lib.name != NULL;
}

/* "worker+0x1f (prog+0x11e3)": what addr2line and a reader can use. */
static void print_frame(int fd, const char *name, uintptr_t offset, uintptr_t pc)
{
	Dl_info info;
	const char *module = "?";
	uintptr_t base = 0;
	if (dladdr((void *)(pc - 1), &info) != 0 && info.dli_fname != NULL) {
		const char *slash = strrchr(info.dli_fname, '/');
		module = slash != NULL ? slash + 1 : info.dli_fname;
		base = (uintptr_t)info.dli_fbase;
		if (name[0] == '\0' && info.dli_sname != NULL) {
			name = info.dli_sname;
			offset = pc - (uintptr_t)info.dli_saddr;
		}
	}
	go__print(fd, "%s(...)\n\t%s+0x%lx +0x%lx\n", name[0] != '\0' ? name : "??", module,
		  (unsigned long)(pc - base), (unsigned long)offset);
}

/* One line of a stack; the name is cut, never absent. */
struct frame {
	uintptr_t pc, offset;
	char name[128];
};

/* libunwind maps and searches the ELF file for each name, about 0.2 ms; ten thousand goroutines stand in a
 * handful of places. Two dumps may run at once, one of them in a signal handler: who finds the cache taken
 * goes without it. */
static struct frame names[256];
static atomic_flag names_taken = ATOMIC_FLAG_INIT;

/* The name comes from the symbol tables, static functions included. */
static bool next_frame(struct cursor *c, struct frame *f)
{
	f->name[0] = '\0';
	f->offset = 0;
	if (lib.reg(c, go__sys_unwind_ip, &f->pc) != 0 || f->pc == 0)
		return false;
	struct frame *slot = &names[(f->pc ^ f->pc >> 8) % (sizeof(names) / sizeof(names[0]))];
	bool cached = !atomic_flag_test_and_set_explicit(&names_taken, memory_order_acquire);
	if (cached && slot->pc == f->pc) {
		*f = *slot;
	} else {
		lib.name(c, f->name, sizeof(f->name), &f->offset);
		if (cached)
			*slot = *f;
	}
	if (cached)
		atomic_flag_clear_explicit(&names_taken, memory_order_release);
	return true;
}

/* Where each goroutine begins. */
static bool is_entry(const char *name)
{
	return strcmp(name, "go__call_invoke") == 0 || strcmp(name, "go__entry") == 0;
}

/* The runtime's own frames on top say nothing to the reader: how many there are above the function that
 * the program called. */
static unsigned own_frames(struct cursor c)
{
	struct frame f;
	unsigned own = 0;
	for (unsigned i = 0; i < 12 && next_frame(&c, &f); i++) {
		if (is_entry(f.name))
			break;
		if (strncmp(f.name, "go__", 4) == 0)
			own = i + 1;
		else if (strncmp(f.name, "go_", 3) == 0)
			return i;
		if (lib.step(&c) <= 0)
			break;
	}
	return own;
}

/* What lies below is the same in every goroutine. */
static bool is_last(const char *name)
{
	return strcmp(name, "main") == 0 || strcmp(name, "start_thread") == 0;
}

/* Fifty frames: a runaway recursion is recognised by then. */
static void print_cursor(int fd, struct cursor *c, bool skip_own)
{
	struct frame f;
	unsigned skip = skip_own ? own_frames(*c) : 0;
	for (unsigned i = 0; i < FRAMES + skip; i++) {
		if (!next_frame(c, &f) || (i >= skip && is_entry(f.name)))
			return;
		if (i >= skip)
			print_frame(fd, f.name, f.offset, f.pc);
		if (is_last(f.name) || lib.step(c) <= 0)
			return;
	}
	go__print(fd, "...additional frames elided...\n");
}

/* A signal frame's program counter is the instruction itself, a caller's is the one after the call: libunwind
 * must know which, or it looks up the wrong function. */
void go__unwind_print(int fd, const void *context)
{
	ucontext_t here;
	struct cursor c;
	bool signal = context != NULL;
	if (!load()) {
		if (signal)
			print_frame(fd, "", 0, go__sys_context_pc(context) + 1);
		return;
	}
	if (!signal)
		getcontext(&here);
	union {
		const void *in;
		void *out;
	} uc = {.in = signal ? context : &here};
	if (lib.init(&c, uc.out, signal ? SIGNAL_FRAME : 0) == 0)
		print_cursor(fd, &c, !signal);
}

/* Where a parked goroutine's frames will go on, innermost first; how many. Without names, which cost most. */
size_t go__unwind_addresses(void *sp, uintptr_t *pc, size_t n)
{
	ucontext_t uc = {.uc_flags = 0};
	struct cursor c;
	size_t i = 0;
	go__sys_context(&uc, sp);
	if (!load()) {
		pc[i++] = go__sys_context_pc(&uc);
	} else if (lib.init(&c, &uc, 0) == 0) {
		while (i < n && lib.reg(&c, go__sys_unwind_ip, &pc[i]) == 0 && pc[i] != 0) {
			i++;
			if (lib.step(&c) <= 0)
				break;
		}
	}
	return i;
}

/* The words that go__switch saved are all that unwinding needs. */
void go__unwind_parked(int fd, void *sp)
{
	ucontext_t uc = {.uc_flags = 0};
	struct cursor c;
	go__sys_context(&uc, sp);
	if (!load())
		print_frame(fd, "", 0, go__sys_context_pc(&uc));
	else if (lib.init(&c, &uc, 0) == 0)
		print_cursor(fd, &c, true);
}
