/* SPDX-License-Identifier: Apache-2.0
 *
 * registry.h: which analyzers there are. A list of its own, so that a test can bring another.
 */
#ifndef GOSAN_REGISTRY_H
#define GOSAN_REGISTRY_H

#include "engine.h"

extern const struct gosan_analyzer *const gosan_registry[]; /* ends with NULL */

#endif
