/* SPDX-License-Identifier: Apache-2.0
 *
 * stdmem.h: memory as the variables of STD. A variable there is read or written as a whole, an access of a program
 * touches any bytes: so memory is cut into parts at every place where an access begins or ends, and an access becomes
 * one of each part. Memory that is given out anew has new variables.
 *
 * Two passes: first stdmem_note for every access, then the others in the order of the recording.
 */
#ifndef STDMEM_H
#define STDMEM_H

#include "arena.h"

#include <stdbool.h>
#include <stdint.h>

struct stdmem;

/* Bytes of memory that one export may keep apart (a quarter of a GiB; the table has four bytes for each, and twice that
 * while it grows). One access of a damaged recording may span more than any machine has. */
#define STDMEM_MOST (UINT64_C(1) << 28)

struct stdmem *stdmem_new(struct arena *a, uint64_t most);
void stdmem_free(struct stdmem *m);

/* First pass: where it begins and ends, of which sort it is; actor says who it is, for atomic writes. An access that was
 * not noted may be cut wrongly later, so none is left out but what is to be ignored altogether. False: this would be
 * more than `most` bytes, and nothing of it is of use any more. */
bool stdmem_note(struct stdmem *m, uint64_t addr, uint64_t size, bool write, bool atomic, uint32_t actor);

/* First pass: nothing in it is to be written: it belongs to the thread, and whoever that runs takes turns. */
void stdmem_ignore(struct stdmem *m, uint64_t addr, uint64_t size);

/* A part of an access. Atomics don't race with each other, in STD any two accesses do of which one writes. So an atomic
 * access reads the variable, as far as plain ones are concerned that write; and where others read it plainly, an atomic
 * write also writes a variable of its own goroutine, which plain reads read. */
struct stdmem_part {
	uint64_t addr;
	uint32_t age;       /* how often the memory was new */
	uint32_t n_writers; /* a plain read: whose variables it reads, too; an atomic write: 1, its own */
	const uint32_t *writers;
};
/* Call fn for each part of an access, or (own = 0) of memory that is freed. */
void stdmem_each(struct stdmem *m, uint64_t addr, uint64_t size, bool write, bool atomic, const uint32_t *own,
		 void (*fn)(const struct stdmem_part *, void *), void *arg);
/* [addr, addr + size) is new memory. */
void stdmem_forget(struct stdmem *m, uint64_t addr, uint64_t size);

#endif
