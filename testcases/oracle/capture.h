/* SPDX-License-Identifier: Apache-2.0
 *
 * capture.h: stands in for finding.c: keeps the pairs of places that races were reported for.
 */
#ifndef ORACLE_CAPTURE_H
#define ORACLE_CAPTURE_H

#include <stddef.h>
#include <stdint.h>

struct captured {
	uintptr_t pc[2];
};

extern size_t n_captured;
extern struct captured captured[4096];

#endif
