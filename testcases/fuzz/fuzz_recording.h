/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_recording.h: a recording's folder out of one input: pieces of a byte that says which file, two bytes of length
 * (little-endian), and so many bytes. What follows in the file, up to the size that files of recordings have, is zero.
 */
#ifndef FUZZ_RECORDING_H
#define FUZZ_RECORDING_H

#include <stddef.h>
#include <stdint.h>

/* The folder; always the same, with what the last input had. */
const char *fuzz_recording(const uint8_t *data, size_t size);

#endif
