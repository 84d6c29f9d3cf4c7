/* SPDX-License-Identifier: Apache-2.0
 *
 * module.h: the loaded modules (executable and shared objects): where they lie, who they are, and
 * whether their memory accesses are visible. Knows ELF and dl_iterate_phdr; knows nothing of findings.
 *
 * The table is a sorted array that is replaced, never changed, so that look-ups need no lock. It is
 * rebuilt when a look-up misses and the dynamic linker has loaded something since; dlopen is therefore
 * not interposed (a wrapper would break RUNPATH and RTLD_NEXT of its caller). A module that was unloaded
 * stays known: findings may still refer to it.
 */
#ifndef GOSAN_MODULE_H
#define GOSAN_MODULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GOSAN_BUILD_ID_MAX 20

enum gosan_module_kind {
	GOSAN_MODULE_PROGRAM, /* the executable, and shared objects outside the system's directories */
	GOSAN_MODULE_SYSTEM,  /* other shared objects under /lib and /usr/lib: libstdc++, libz, ... */
	GOSAN_MODULE_LIBC,    /* libc, libm, libpthread, libdl, librt, ld.so, the vDSO */
	GOSAN_MODULE_OWN,     /* libgosan, libgosan_hooks, libgoroutine, and libunwind when loaded by us */
};

struct gosan_module {
	const char *path;     /* absolute; valid for ever */
	uintptr_t base;       /* load bias */
	uintptr_t start, end; /* lowest and one past the highest loaded address */
	enum gosan_module_kind kind;
	bool instrumented; /* refers to __tsan_*: its accesses are seen */
	bool own_tsan;     /* carries a sanitizer runtime of its own: hooks never reach us */
	bool go;           /* has a Go runtime, or is Go code: see gosan_module_go */
	char build_id[2 * GOSAN_BUILD_ID_MAX + 1]; /* lower-case hex, "" when there is none */
};

/* Build the table. Idempotent. 0 or -ENOMEM. */
int gosan_module_init(void);
/* Of a recorded process, instead: these, whatever is loaded here. m stays the caller's, and valid. 0 or -ENOMEM. */
int gosan_module_load(const struct gosan_module *m, size_t n);
/* Look at the dynamic linker's list again; cheap when nothing was loaded. Not in a signal handler. */
void gosan_module_refresh(void);
/* The module that holds addr, or NULL. Lock-free while the address is known; refreshes on a miss. */
const struct gosan_module *gosan_module_find(uintptr_t addr);
/* All modules in address order, refreshed; *ret_n of them. The array is valid for ever. */
const struct gosan_module *gosan_module_list(size_t *ret_n);
/* How many PROGRAM modules carry no instrumentation; fn (may be NULL) is called for each. */
size_t gosan_module_uninstrumented(void (*fn)(const struct gosan_module *, void *), void *arg);
/* Does addr lie in the thread-local storage of the calling thread? Asks the linker: not under the engine lock. */
bool gosan_module_own_tls(uintptr_t addr);
/* In the child of a fork: whoever was replacing the table is gone, and the old one stands. */
void gosan_module_forked(void);
/* True once any module was seen that is instrumented: only then can there be accesses to check. */
bool gosan_module_any_instrumented(void);
/* Any module is Go's. Its goroutines change threads behind our back: what one did on two threads looks like two threads'
 * doing, so accesses prove nothing in such a process. Never unset. */
extern bool gosan_module_go;
extern bool gosan_module_instrumented; /* the same, for who looks at every call; read only */

#endif
