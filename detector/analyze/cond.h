/* SPDX-License-Identifier: Apache-2.0
 *
 * cond.h: the part of lock.c that is about condition variables (GS605).
 */
#ifndef GOSAN_COND_H
#define GOSAN_COND_H

#include "analyze.h"

void gosan_cond_wait(const struct gosan_event *ev);
void gosan_cond_wake(const struct gosan_event *ev);
/* A wait without the mutex held. */
void gosan_cond_fault(const struct gosan_event *ev);
/* Did the last wake of what g waits for come before its wait, and wake nobody? */
bool gosan_cond_lost(const struct gosan_g *g);
/* g is still parked when the run stops: tell it if its wake-up was lost. Marks what it explains. */
void gosan_cond_judge(struct gosan_g *g);

#endif
