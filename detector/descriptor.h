/* SPDX-License-Identifier: Apache-2.0
 *
 * descriptor.h: a descriptor as memory that its use reads and its close writes. Then a close that nothing orders
 * after another thread's use is a race of the ordinary kind, and the engine of accesses finds it. Knows nothing of
 * the bytes that go through a descriptor, nor of what they order (front/fd.h).
 *
 * Context: any thread, outside a hook; keeps errno. Descriptors from FD_MAX on are not watched.
 */
#ifndef GOSAN_DESCRIPTOR_H
#define GOSAN_DESCRIPTOR_H

#include <stdbool.h>
#include <stdint.h>

/* A call came back with it: whatever had this number before is gone. place: where (context.h), 0: unknown. */
void gosan_descriptor_born(int fd, uint32_t place);
/* Before a call that works with it, and before one that ends it; pc: of the call. */
void gosan_descriptor_use(int fd, uintptr_t pc);
void gosan_descriptor_close(int fd, uintptr_t pc);
/* Closed by code whose accesses don't count: it has no past any more. */
void gosan_descriptor_drop(int fd);
/* Of a recorded process: what stands for fd was at addr, and it came from place. */
void gosan_descriptor_restore(uintptr_t addr, int fd, uint32_t place);
/* For reports: is addr the memory that stands for a descriptor? Which one, and where it came from (0: unknown). */
bool gosan_descriptor_is(uintptr_t addr, int *ret_fd, uint32_t *ret_place);

#endif
