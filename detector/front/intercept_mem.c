/* SPDX-License-Identifier: Apache-2.0
 *
 * intercept_mem.c: malloc and its family, mmap and its family: where memory begins and ends.
 *
 * A block dies before the real free: once that returned, the memory may be somebody else's. realloc is an
 * end and a birth: the old block is marked before the call, and whatever comes out of it is new memory.
 * Blocks that libc or the runtime allocate for themselves are not the program's; but they may lie where a
 * block of the program was, so their memory is forgotten too.
 * dlsym may allocate while the real functions are being looked up: such blocks come from an arena here and
 * are never freed.
 */
#include "intercept.h"

#include "../context.h"
#include "../heap.h"
#include "../module.h"
#include "front.h"

#include <errno.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ARENA 65536

static char arena[ARENA] __attribute__((aligned(16)));
static size_t arena_used;
static __thread bool resolving __attribute__((tls_model("initial-exec")));

static struct {
	void *(*malloc)(size_t);
	void *(*calloc)(size_t, size_t);
	void *(*realloc)(void *, size_t);
	void (*free)(void *);
	size_t (*usable)(void *);
} real;

/* Zeroed, as calloc needs it: the arena is never used twice. */
static void *from_arena(size_t size)
{
	size_t at = __atomic_fetch_add(&arena_used, (size + 15) & ~(size_t)15, __ATOMIC_RELAXED);

	if (at + size > ARENA) {
		errno = ENOMEM;
		return NULL;
	}
	return arena + at;
}

static inline bool in_arena(const void *p)
{
	return (const char *)p >= arena && (const char *)p < arena + ARENA;
}

/* False inside itself: dlsym allocated. Two threads may resolve at once, to the same answers; malloc is stored
 * last, so whoever sees it sees all. */
static __attribute__((noinline)) bool resolve(void)
{
	if (resolving)
		return false;
	resolving = true;
	real.calloc = gosan_intercept_next("calloc");
	real.realloc = gosan_intercept_next("realloc");
	real.free = gosan_intercept_next("free");
	real.usable = gosan_intercept_next("malloc_usable_size");
	__atomic_store_n(&real.malloc, gosan_intercept_next("malloc"), __ATOMIC_RELEASE);
	resolving = false;
	return real.malloc != NULL;
}

static inline bool ready(void)
{
	return __atomic_load_n(&real.malloc, __ATOMIC_ACQUIRE) || resolve();
}

/* Without instrumented code there are no accesses to check blocks for: the program pays nothing. */
static inline bool tracking(void)
{
	return gosan_access_ready && gosan_module_any_instrumented();
}

/* After the real call: nobody else has the block yet. Its memory may have been another's, so its past goes. */
static void *born(void *p, size_t size, uintptr_t pc)
{
	int saved = errno;

	if (!p || !tracking())
		return p;
	if (gosan_ignore || gosan_intercept_is_own(pc)) {
		gosan_heap_drop((uintptr_t)p);
		gosan_access_forget((uintptr_t)p, size);
	} else {
		gosan_heap_born((uintptr_t)p, size, gosan_context_place(gosan_engine_self(), pc));
	}
	errno = saved;
	return p;
}

/* The synchronisation objects in the block die first: it is their last moment to be judged. */
/* As asked for; for blocks from before we looked, what the allocator gave. */
static size_t size_of(void *p)
{
	size_t size = gosan_heap_size((uintptr_t)p);

	return size || !real.usable ? size : real.usable(p);
}

static void dies(void *p, bool with_objects, uintptr_t pc)
{
	int saved = errno;

	if (!gosan_access_ready || gosan_ignore)
		return;
	if (!tracking() &&
	    !(with_objects && real.usable && gosan_front_may_hold((uintptr_t)p, real.usable(p))))
		return; /* the commonest: no accesses to check blocks for, and no object in this one */
	if (gosan_intercept_is_runtime(pc))
		return;
	if (with_objects)
		gosan_front_free((uintptr_t)p, size_of(p));
	if (tracking() && gosan_intercept_is_own(pc))
		gosan_heap_drop((uintptr_t)p);
	else if (tracking())
		gosan_heap_dies(gosan_engine_self(), (uintptr_t)p,
				gosan_context_place(gosan_engine_self(), pc));
	errno = saved;
}

GOSAN_EXPORT void *malloc(size_t size)
{
	if (!ready())
		return from_arena(size);
	return born(real.malloc(size), size, GOSAN_CALLER);
}

GOSAN_EXPORT void *calloc(size_t n, size_t size)
{
	size_t bytes;

	if (!ready())
		return __builtin_mul_overflow(n, size, &bytes) ? NULL : from_arena(bytes);
	return born(real.calloc(n, size), n * size, GOSAN_CALLER);
}

/* Not the arena's, and nothing before the real one is known: then the arena's are all there are. */
GOSAN_EXPORT void free(void *p)
{
	if (!p || in_arena(p) || !ready())
		return;
	dies(p, true, GOSAN_CALLER);
	real.free(p);
}

/* Out of the arena: the block's size is not known, so what could be it is copied. */
static void *leave_arena(const char *p, size_t size, uintptr_t pc)
{
	size_t room = (size_t)(arena + ARENA - p);
	void *q = born(real.malloc(size), size, pc);

	return q ? memcpy(q, p, size < room ? size : room) : NULL;
}

/* The old block ends before the real call, whether it will move or not: in the next moment it may be another
 * thread's. A realloc that fails leaves the block: it is born again, so that its marks don't cry wolf. */
static void *resize(void *p, size_t size, uintptr_t pc)
{
	size_t old;
	void *q;

	if (!ready())
		return from_arena(size);
	if (in_arena(p))
		return leave_arena(p, size, pc);
	if (!p)
		return born(real.realloc(p, size), size, pc);
	old = size_of(p);
	dies(p, false, pc);
	q = real.realloc(p, size);
	if (!q && size) { /* the old block lives on, without its past */
		born(p, old, pc);
		return q;
	}
	if (q != p && gosan_access_ready && !gosan_ignore && !gosan_intercept_is_runtime(pc))
		gosan_front_moved((uintptr_t)p, old);
	return born(q, size, pc);
}

GOSAN_EXPORT void *realloc(void *p, size_t size)
{
	return resize(p, size, GOSAN_CALLER);
}

GOSAN_EXPORT void *reallocarray(void *p, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return resize(p, bytes, GOSAN_CALLER);
}

GOSAN_EXPORT int posix_memalign(void **ret, size_t align, size_t size)
{
	int err = GOSAN_REAL(posix_memalign)(ret, align, size);

	if (!err)
		born(*ret, size, GOSAN_CALLER);
	return err;
}

GOSAN_EXPORT void *aligned_alloc(size_t align, size_t size)
{
	return born(GOSAN_REAL(aligned_alloc)(align, size), size, GOSAN_CALLER);
}

GOSAN_EXPORT void *memalign(size_t align, size_t size)
{
	return born(GOSAN_REAL(memalign)(align, size), size, GOSAN_CALLER);
}

GOSAN_EXPORT void *valloc(size_t size)
{
	return born(GOSAN_REAL(valloc)(size), size, GOSAN_CALLER);
}

GOSAN_EXPORT void *pvalloc(size_t size)
{
	return born(GOSAN_REAL(pvalloc)(size), size, GOSAN_CALLER);
}

/* Mappings: by system call, because the detector itself maps before anything else works. */

/* The runtime maps stacks, which it announces by probes, and the detector maps its own memory. */
static void mapped(const void *p, size_t size, uintptr_t pc)
{
	int saved = errno;

	if (p != MAP_FAILED && tracking() && !gosan_intercept_is_runtime(pc))
		gosan_access_forget((uintptr_t)p, size);
	errno = saved;
}

/* Before the call: afterwards the addresses may be mapped by somebody else. */
static void unmapped(const void *p, size_t size, uintptr_t pc)
{
	int saved = errno;

	if (!gosan_access_ready || gosan_ignore || gosan_intercept_is_runtime(pc))
		return;
	gosan_front_free((uintptr_t)p, size);
	if (tracking())
		gosan_access_forget((uintptr_t)p, size);
	errno = saved;
}

GOSAN_EXPORT void *mmap(void *addr, size_t size, int prot, int flags, int fd, off_t offset)
{
	void *p = (void *)syscall(SYS_mmap, addr, size, prot, flags, fd, offset);

	mapped(p, size, GOSAN_CALLER);
	return p;
}

GOSAN_EXPORT void *mmap64(void *addr, size_t size, int prot, int flags, int fd, off64_t offset)
{
	void *p = (void *)syscall(SYS_mmap, addr, size, prot, flags, fd, offset);

	mapped(p, size, GOSAN_CALLER);
	return p;
}

GOSAN_EXPORT int munmap(void *p, size_t size)
{
	unmapped(p, size, GOSAN_CALLER);
	return (int)syscall(SYS_munmap, p, size);
}

/* A mapping that grew in place has new memory at its end; one that moved is new as a whole. */
GOSAN_EXPORT void *mremap(void *old, size_t old_size, size_t size, int flags, ...)
{
	va_list args;
	void *fixed, *p;

	va_start(args, flags);
	fixed = flags & MREMAP_FIXED ? va_arg(args, void *) : NULL;
	va_end(args);
	p = (void *)syscall(SYS_mremap, old, old_size, size, flags, fixed);
	if (p != MAP_FAILED && p != old)
		unmapped(old, old_size, GOSAN_CALLER);
	mapped(p == old && size > old_size ? (char *)p + old_size : p,
	       p == old ? (size > old_size ? size - old_size : 0) : size, GOSAN_CALLER);
	return p;
}
