/* SPDX-License-Identifier: Apache-2.0
 *
 * registry.c: the analyzers, in the order in which they see each event and the end.
 *
 * The order matters at the end: what explains a stall (lock held by the dead, lost wake-up) is judged before
 * the stall itself, and predictions after what happened.
 */
#include <stddef.h>

#include "registry.h"

const struct gosan_analyzer *const gosan_registry[] = {
	&gosan_analyze_lock,
	&gosan_analyze_channel,
	&gosan_analyze_waitgroup,
	&gosan_analyze_block,
	&gosan_analyze_lockorder,
	&gosan_analyze_resource,
	NULL,
};
