/* SPDX-License-Identifier: Apache-2.0
 *
 * coarsen.h: moments that no clock tells apart any more share one segment. Knows clocks, wherever they lie, and which
 * segments are in use; knows nothing of what a cell means.
 */
#ifndef GOSAN_COARSEN_H
#define GOSAN_COARSEN_H

#include <stdbool.h>
#include <stdint.h>

/* For the collector, under the engine lock, while nobody is in the shadow and gosan_segment_used has the segments that
 * cells name: make them fewer, and rename cells. Where that leaves less than `want` numbers free, moments that differ
 * are made one, each counted in shadow_lost. False: clocks would not stand still; nothing was done. */
bool gosan_coarsen(uint32_t want);

#endif
