/* SPDX-License-Identifier: Apache-2.0
 *
 * unwind.c: the caller's stack by libunwind.
 *
 * libunwind is loaded RTLD_LOCAL: linked into the global scope its weak `backtrace` and `_Unwind_*` would
 * silently take over the program's. unw_backtrace is its cached way (70 to 80 ns warm; a loop over unw_step
 * takes 3.9 us). Our own frames and the runtime's are not the program's and are left out; a runtime that is
 * linked statically can't be told from the program by its module and stays in.
 */
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdbool.h>
#include <string.h>

#include "access.h"
#include "depot.h"

/* A program's frames must not be cut because ours stand before them. */
#define OWN_FRAMES  16
#define OWN_MODULES 4

static int (*unw_backtrace)(void **, int);
static struct range {
	uintptr_t lo, hi;
} own[OWN_MODULES];
static size_t n_own;
static __thread bool busy __attribute__((tls_model("initial-exec")));

/* Code only: data of one module may lie between the code of two others. */
static struct range range_of(const struct dl_phdr_info *info)
{
	struct range r = {UINTPTR_MAX, 0};

	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uintptr_t lo = info->dlpi_addr + p->p_vaddr;

		if (p->p_type != PT_LOAD || !(p->p_flags & PF_X))
			continue;
		r.lo = lo < r.lo ? lo : r.lo;
		r.hi = lo + p->p_memsz > r.hi ? lo + p->p_memsz : r.hi;
	}
	return r;
}

/* The main program is never ours, even when it holds this code (unit tests). */
static int note_module(struct dl_phdr_info *info, size_t size, void *arg)
{
	const char *name = info->dlpi_name ? info->dlpi_name : "", *slash = strrchr(name, '/');
	struct range r = range_of(info);
	uintptr_t self = (uintptr_t)gosan_unwind_here;

	(void)size;
	(void)arg;
	if (!*name)
		return 0;
	if ((self >= r.lo && self < r.hi) || strncmp(slash ? slash + 1 : name, "libgoroutine.so", 15) == 0)
		if (n_own < OWN_MODULES)
			own[n_own++] = r;
	return 0;
}

/* A second call looks again: the runtime may have been loaded since. */
void gosan_unwind_init(void)
{
	n_own = 0;
	dl_iterate_phdr(note_module, NULL);
	if (unw_backtrace)
		return;
	void *lib = dlopen("libunwind.so.8", RTLD_NOW | RTLD_LOCAL);
	void *fn = lib ? dlsym(lib, "unw_backtrace") : NULL;

	memcpy(&unw_backtrace, &fn, sizeof fn);
}

/* A return address may be one past the last instruction of a function, and so of a module. */
static bool is_own(uintptr_t pc)
{
	for (size_t i = 0; i < n_own; i++)
		if (pc > own[i].lo && pc <= own[i].hi)
			return true;
	return false;
}

/* libunwind takes locks that we interpose: a hook below it finds gosan_ignore set, and one that asks for a
 * stack nevertheless gets none. */
uint32_t gosan_unwind_here(void)
{
	void *raw[GOSAN_STACK_MAX + OWN_FRAMES];
	uintptr_t pcs[GOSAN_STACK_MAX + OWN_FRAMES];
	size_t kept = 0;
	int saved = errno, n;

	if (!unw_backtrace || busy)
		return 0;
	busy = true;
	gosan_ignore++;
	n = unw_backtrace(raw, GOSAN_STACK_MAX + OWN_FRAMES);
	for (int i = 0; i < n; i++)
		if (!is_own((uintptr_t)raw[i]))
			pcs[kept++] = (uintptr_t)raw[i];
	uint32_t id = gosan_depot_put(pcs, kept);

	gosan_ignore--;
	busy = false;
	errno = saved;
	return id;
}
