/* SPDX-License-Identifier: Apache-2.0
 *
 * depot.h: call stacks, each stored once and named by a 32-bit id. 0 is "no stack".
 * Context: any thread; lock-free look-up, one lock per insertion. Stacks are never removed.
 */
#ifndef GOSAN_DEPOT_H
#define GOSAN_DEPOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GOSAN_STACK_MAX 64
/* Set in an id: the rest is a node of the tree of contexts (context.h), whose path is the stack. Equal paths have
 * equal ids; gosan_depot_id makes ids of both sorts comparable. */
#define GOSAN_STACK_CONTEXT (UINT32_C(1) << 31)

/* pcs[0] is the innermost return address; n is cut to GOSAN_STACK_MAX. 0 when memory is exhausted
 * (counted in counters.stacks_lost). */
uint32_t gosan_depot_put(const uintptr_t *pcs, size_t n);
/* Frames of `id`, valid for ever; *ret_n = 0 and NULL for id 0. */
const uintptr_t *gosan_depot_get(uint32_t id, size_t *ret_n);

/* The id that gosan_depot_put gives for the frames of `id`: equal stacks have equal ones. Not on a hot path. */
uint32_t gosan_depot_id(uint32_t id);

/* Stack of the caller, own frames (libgosan, libgoroutine) removed. Call on the stack that is meant. */
uint32_t gosan_unwind_here(void);
/* The same from a remembered stack (5 to 10 ns when there is one). pc is the address in the program to which our
 * exported function returns, sp the stack pointer there: __builtin_return_address(0) and
 * (uintptr_t)__builtin_frame_address(0) + 16 in that function itself. */
uint32_t gosan_unwind_at(uintptr_t pc, uintptr_t sp);
/* The stack of a call at pc in a function that may have returned since, to ra, with cfa as its stack pointer: today's
 * stack from there outward, below it ra and pc. 0: there is no frame there. */
uint32_t gosan_unwind_outside(uintptr_t pc, uintptr_t ra, uintptr_t cfa);
/* The caller's from wherever the program called the runtime or us. */
uint32_t gosan_unwind_caller(void);
/* The same, where a hook of ours or its callee knows its own frame (__builtin_frame_address(0), with a frame pointer):
 * the fewer frames lie between it and the program, the sooner that is found. */
uint32_t gosan_unwind_above(const void *frame);
/* Only its innermost address. */
uintptr_t gosan_unwind_pc(const void *frame);
/* The runtime is a library of its own: its frames can be told from the program's. */
extern bool gosan_unwind_runtime_apart;
/* A module was unloaded: stacks that are remembered by addresses in it mean nothing any more. */
void gosan_unwind_forget(void);
/* On a new thread, where malloc may be called. */
void gosan_unwind_warm(void);
/* Load libunwind and find our own modules. Not from a hook: it calls the loader. 0 frames until then. */
void gosan_unwind_init(void);
/* Around fork: before any other lock, no thread is inside libunwind; in the child nobody is. */
void gosan_unwind_fork(bool before);
void gosan_unwind_fork_child(void);
/* Around fork, as gosan_mem_fork. */
void gosan_depot_fork(bool before);

#endif
