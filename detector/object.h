/* SPDX-License-Identifier: Apache-2.0
 *
 * object.h: the table of synchronisation objects, by id and by address. Knows births and deaths; knows
 * nothing of what the objects do. Used by engine.c only; others go through engine.h.
 *
 * Context: under the engine lock, but gosan_object_by_id and gosan_object_peek.
 */
#ifndef GOSAN_OBJECT_H
#define GOSAN_OBJECT_H

#include "engine.h"

/* Any thread, without the lock. NULL for an id that was never given out. */
struct gosan_obj *gosan_object_by_id(uint32_t id);
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
