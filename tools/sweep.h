/* SPDX-License-Identifier: Apache-2.0
 *
 * sweep.h: takes the streams of a test run out of their directory, while it runs and after it. What is clean leaves
 * a row of numbers and no file, so thousands of processes need neither disk nor memory.
 */
#ifndef SWEEP_H
#define SWEEP_H

#include "report.h"

struct sweep {
	struct report *r; /* with a gate */
	const char *dir;
	unsigned run; /* of the repetitions, from 1 */
};

/* Those that have ended. Cheap when there is nothing: fit to be called every second. */
void sweep_ended(struct sweep *s);
/* Everything that is there. */
void sweep_rest(struct sweep *s);

#endif
