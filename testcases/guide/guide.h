/* SPDX-License-Identifier: Apache-2.0
 *
 * guide.h: what the guide's programs share: one time scale.
 */
#ifndef GUIDE_H
#define GUIDE_H

#include <goroutine.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The guide's seconds are tenths of a second here. */
#define GUIDE_SCALE  10
#define GUIDE_MS(ms) (GO_MS * (ms) / GUIDE_SCALE)

#endif
