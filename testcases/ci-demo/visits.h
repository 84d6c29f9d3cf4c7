/* SPDX-License-Identifier: Apache-2.0
 * visits.h: who came, and how often. */
#ifndef VISITS_H
#define VISITS_H

void visits_note(long visitor);
long visits_count(void);
long visits_last(void);

#endif
