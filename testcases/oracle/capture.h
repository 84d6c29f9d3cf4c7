/* SPDX-License-Identifier: Apache-2.0
 *
 * capture.h: stands in for finding.c: keeps the pairs of places that races were reported for.
 */
#ifndef ORACLE_CAPTURE_H
#define ORACLE_CAPTURE_H

#include <stddef.h>
#include <stdint.h>

/* Of one program. More would be a miss that is none of the engine's: the process ends with a word. */
#define CAPTURED_MAX 65536

struct captured {
	uintptr_t pc[2];
};

extern size_t n_captured;
extern struct captured captured[CAPTURED_MAX];

#endif
