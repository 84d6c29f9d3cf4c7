/* SPDX-License-Identifier: Apache-2.0
 *
 * object.h: the table of synchronisation objects, by id and by address. Knows births and deaths; knows
 * nothing of what the objects do. Used by engine.c, and by the runtime's probes for the common look-up; others go
 * through engine.h.
 *
 * Context: under the engine lock, but gosan_object_by_id, gosan_object_known and gosan_object_peek.
 */
#ifndef GOSAN_OBJECT_H
#define GOSAN_OBJECT_H

#include "engine.h"

/* By id; NULL until the first is made, then it stays. */
#define GOSAN_OBJECT_ID_MAX (1u << 26)
extern struct gosan_obj **gosan_object_table;

/* Any thread, without the lock. NULL for an id that was never given out. */
static inline struct gosan_obj *gosan_object_by_id(uint32_t id)
{
	struct gosan_obj **t = __atomic_load_n(&gosan_object_table, __ATOMIC_ACQUIRE);

	return t && id < GOSAN_OBJECT_ID_MAX ? __atomic_load_n(&t[id], __ATOMIC_ACQUIRE) : NULL;
}

/* `dead` may be set by another thread at any moment. To use an object while somebody frees it is the
 * program's bug, and the FREE event is what finds it. */
static inline bool gosan_object_fits(const struct gosan_obj *obj, uintptr_t addr, enum gosan_obj_kind kind)
{
	return obj && obj->addr == addr && obj->kind == kind &&
	       !__atomic_load_n(&obj->dead, __ATOMIC_ACQUIRE);
}

/* The common case: the word names a living object of this address. NULL: it does not. Any thread, without the lock. */
static inline struct gosan_obj *gosan_object_known(const uint32_t *id_word, enum gosan_obj_kind kind)
{
	uint32_t id = __atomic_load_n(id_word, __ATOMIC_RELAXED);
	struct gosan_obj *obj = id ? gosan_object_by_id(id) : NULL;

	return gosan_object_fits(obj, (uintptr_t)id_word, kind) ? obj : NULL;
}
/* NULL when memory or ids are exhausted. */
struct gosan_obj *gosan_object_new(uintptr_t addr, enum gosan_obj_kind kind);
/* The same with the id that it had when it was recorded; NULL also when that is taken. */
struct gosan_obj *gosan_object_restore(uint32_t id, uintptr_t addr, enum gosan_obj_kind kind);
/* Any thread, without the lock. NULL also when it did not look long enough. */
struct gosan_obj *gosan_object_peek(uintptr_t addr, enum gosan_obj_kind kind);
struct gosan_obj *gosan_object_find(uintptr_t addr, enum gosan_obj_kind kind);
void gosan_object_die(struct gosan_obj *obj);
/* Call fn for each living object in [lo, hi); fn may let the object die. */
void gosan_object_each(uintptr_t lo, uintptr_t hi, void (*fn)(struct gosan_obj *, void *), void *arg);

/* Take the bits of all living objects, so that no clock of theirs changes; or give them back. Under the engine lock all
 * the time. False: one was not to be had, and none is taken. */
bool gosan_object_freeze(bool on);

#endif
