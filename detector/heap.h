/* SPDX-License-Identifier: Apache-2.0
 *
 * heap.h: what heap.c offers beyond access.h: blocks by place, for the interceptors and the shadow.
 * Context: any thread; striped locks that are leaves.
 */
#ifndef GOSAN_HEAP_H
#define GOSAN_HEAP_H

#include "access.h"

int gosan_heap_init(void);
/* As gosan_heap_alloc, with a place (context.h) instead of a stack; 0: unknown. */
void gosan_heap_born(uintptr_t addr, size_t size, uint32_t place);
/* The block that starts at addr is freed by g at this place: marks its memory. Its size; 0: unknown. */
size_t gosan_heap_dies(struct gosan_g *g, uintptr_t addr, uint32_t place);
/* Size of the living block that starts at addr, 0 when there is none. */
size_t gosan_heap_size(uintptr_t addr);
/* The record of the block that starts at addr is dropped, without a mark. */
void gosan_heap_drop(uintptr_t addr);
/* When and where the block around addr was freed. False when no freed block is known there. */
bool gosan_heap_freed(uintptr_t addr, struct gosan_stamp *ret_at, uint32_t *ret_place);
void gosan_heap_fork_child(void);

#endif
