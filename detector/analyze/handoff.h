/* SPDX-License-Identifier: Apache-2.0
 *
 * handoff.h: orders that a condition enforces in every schedule. Knows conditions; what is asked of it comes from
 * lockorder.c, whose weak order has no edge from a wake to the waiter.
 */
#ifndef GOSAN_HANDOFF_H
#define GOSAN_HANDOFF_H

#include "lockdep.h"

/* Every event, before the engine applied it. */
void gosan_handoff_note(const struct gosan_event *ev);
/* Does a hand-off put request a before request b? Cheap when there was none. */
bool gosan_handoff_orders(const struct gosan_depinst *a, const struct gosan_depinst *b);

#endif
