/* SPDX-License-Identifier: Apache-2.0
 *
 * hot.h: what code outside of libgosan.so knows of it: libgosan_hot.a and the code that `gosan cc` puts in place of
 * calls of hooks (tools/inline.c). Knows how a repeated access is recognised; knows nothing of what follows if it isn't.
 *
 * The program finds its goroutine by a thread-local pointer, whose symbol carries the number of this layout. Under
 * gosan the definition in libgosan.so comes first; without it, or under a gosan of another layout, that of
 * libgosan_hooks.so, which stays NULL and sends everything the slow way. That way is made of the compilers' own ABI
 * (__tsan_read8_pc and the like), so that old programs and new libraries never misunderstand each other.
 *
 * Whoever changes a field here gives the symbol the next number.
 */
#ifndef GOSAN_HOT_H
#define GOSAN_HOT_H

#define GOSAN_HOT_SELF "__tsan_gosan_self_1"

/* struct gosan_hot. The shadow's first cell of an address is at base + 2 * (address & mask), the second follows. */
#define GOSAN_HOT_CELL   0
#define GOSAN_HOT_WRITES 16
#define GOSAN_HOT_MASK   32
#define GOSAN_HOT_BASE   40
#define GOSAN_HOT_FRAME  48
#define GOSAN_HOT_END    56
#define GOSAN_HOT_FLOOR  64

/* struct gosan_frame: pc, the low half of an address in the callee, and a word that is 0 for a new call. */
#define GOSAN_HOT_FRAME_SIZE 16

/* Bits of a cell below its segment (shadow.h): bytes, write, plain. g->cell has all of them set. */
#define GOSAN_HOT_ALL   0xffu
#define GOSAN_HOT_WRITE 0x100u
#define GOSAN_HOT_LOW   0x3ffu

#ifndef __ASSEMBLER__
#include <stddef.h>
#include <stdint.h>

struct gosan_hot_frame {
	uint64_t pc;
	uint32_t callee, ctx;
};

/* The beginning of struct gosan_g (actor.h, which says what the fields mean). Aligned to 16: two words of it are operands
 * of vector instructions, which compare both cells of a granule at once. For which of them is the goroutine's own, when two
 * read the same data, no branch predictor can know.
 *   cell    twice, and twice what no half of a granule's cells, extended by zeros, can equal
 *   writes  what a read takes no notice of, in both cells */
struct gosan_hot {
	uint32_t cell[4], writes[4];
	uintptr_t mask, base;
	struct gosan_hot_frame *frame, *frame_end, *frame_floor;
};
_Static_assert(offsetof(struct gosan_hot, cell) == GOSAN_HOT_CELL, "hot.h");
_Static_assert(offsetof(struct gosan_hot, writes) == GOSAN_HOT_WRITES, "hot.h");
_Static_assert(offsetof(struct gosan_hot, mask) == GOSAN_HOT_MASK, "hot.h");
_Static_assert(offsetof(struct gosan_hot, base) == GOSAN_HOT_BASE, "hot.h");
_Static_assert(offsetof(struct gosan_hot, frame) == GOSAN_HOT_FRAME, "hot.h");
_Static_assert(offsetof(struct gosan_hot, frame_end) == GOSAN_HOT_END, "hot.h");
_Static_assert(offsetof(struct gosan_hot, frame_floor) == GOSAN_HOT_FLOOR, "hot.h");
_Static_assert(sizeof(struct gosan_hot_frame) == GOSAN_HOT_FRAME_SIZE, "hot.h");
#endif

#endif
