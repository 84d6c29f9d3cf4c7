/* SPDX-License-Identifier: Apache-2.0
 *
 * access.h: memory accesses: shadow memory, calling contexts, heap blocks; what the __tsan_* ABI, the
 * libc interceptors and the runtime's access probe call.
 *
 * Exact happens-before per byte (FastTrack's rule, Flanagan and Freund, PLDI 2009, with byte masks per
 * 8-byte granule): an old access leaves the shadow only when a newer one that covers its bytes happens
 * after it and is at least as strong. What does not fit inline goes to an overflow list; nothing is
 * evicted silently (counters.shadow_lost).
 */
#ifndef GOSAN_ACCESS_H
#define GOSAN_ACCESS_H

#include "engine.h"

enum gosan_access_flags { GOSAN_WRITE = 1, GOSAN_ATOMIC = 2, GOSAN_FREE = 4 };

int gosan_access_init(void);
/* Set once gosan_access_init and gosan_engine_init ran: before, hooks do nothing. */
extern bool gosan_access_ready;
/* One access of the running goroutine. pc = return address of the hook. */
void gosan_access(uintptr_t addr, size_t size, unsigned flags, uintptr_t pc);
/* [addr, addr + size) is new memory: forget every access to it (malloc, mmap, a stack that is reused). */
void gosan_access_forget(uintptr_t addr, size_t size);
/* A block was allocated / is about to be freed by the running goroutine. */
void gosan_heap_alloc(uintptr_t addr, size_t size, uint32_t stack);
void gosan_heap_free(uintptr_t addr, uint32_t stack);
/* The block that holds addr, living or freed and not yet reused; false when none is known. */
bool gosan_heap_find(uintptr_t addr, uintptr_t *ret_start, size_t *ret_size, uint32_t *ret_stack);
/* Calls inside the detector and the runtime are not the program's: hooks do nothing while > 0. */
extern __thread int gosan_ignore __attribute__((tls_model("initial-exec")));
/* The stack of the running goroutine: its calling context if instrumented, libunwind otherwise. */
/* A recording has the stack already: given instead of a pc. No address of a program has this bit. */
#define GOSAN_ACCESS_IS_STACK (UINT64_C(1) << 63)
uint32_t gosan_access_stack(struct gosan_g *g, uintptr_t pc);
/* to goes on where from is: the main goroutine takes the stack of calls of the thread that it was. */
void gosan_access_adopt(struct gosan_g *to, const struct gosan_g *from);
/* Bring counters.accesses up to date. Call before the counters are written. Takes the engine lock. */
void gosan_access_flush(void);
/* In a forked child, before anything else: other threads' locks are void. */
void gosan_access_fork_child(void);

#endif
