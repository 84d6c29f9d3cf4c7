/* SPDX-License-Identifier: Apache-2.0
 *
 * hb.h: the happens-before verbs that engine.c needs beside gosan_hb_apply. Under the engine lock.
 */
#ifndef GOSAN_HB_H
#define GOSAN_HB_H

#include "engine.h"

/* sys forgets all but its own past and acquires the timer's arm. */
void gosan_hb_system_begin(struct gosan_g *sys, struct gosan_obj *timer);

#endif
