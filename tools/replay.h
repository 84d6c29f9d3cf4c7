/* SPDX-License-Identifier: Apache-2.0
 *
 * replay.h: a recording through the engine, the shadow memory and the analyzers of this very version, in a process of its
 * own: they have one state per process. What they find goes to a raw stream, as it does in a live process.
 */
#ifndef REPLAY_H
#define REPLAY_H

#include <stddef.h>

/* Replay the recording of one process; its stream becomes out.raw (and out.ctr, if it was killed). 0, or -errno with one
 * sentence in err. */
int replay_process(const char *process, const char *out, char *err, size_t err_size);

#endif
