/* SPDX-License-Identifier: Apache-2.0
 *
 * mark.h: what was started, told by whoever starts it. A program that the loader gives no library to (static,
 * privileged, with a cleared environment) cannot report itself; its starter leaves a mark, and a mark without a
 * stream is how the tool knows that something ran unseen.
 */
#ifndef GOSAN_MARK_H
#define GOSAN_MARK_H

#include <sys/types.h>

/* Process `pid` is about to be, or has become, the program `path` (a bare name: by PATH). Nothing happens without
 * the tool around us. Allocates nothing and changes nothing in memory: may be called in a child of vfork. */
void gosan_mark_put(pid_t pid, const char *path);
/* It did not come to that. */
void gosan_mark_take(pid_t pid);

#endif
