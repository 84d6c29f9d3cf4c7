/* SPDX-License-Identifier: Apache-2.0
 *
 * benign.h: memory whose races the program declared harmless (AnnotateBenignRace). Knows ranges of addresses;
 * race.c asks before it reports.
 */
#ifndef GOSAN_BENIGN_H
#define GOSAN_BENIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Any thread. 0, or -ENOMEM: then the race will be reported. */
int gosan_benign_add(uintptr_t addr, size_t size);
/* The memory died: what lives there next was not declared. */
void gosan_benign_forget(uintptr_t addr, size_t size);
bool gosan_benign_has(uintptr_t addr);
/* In the child of a fork: whoever held the lock is gone. */
void gosan_benign_fork_child(void);

#endif
