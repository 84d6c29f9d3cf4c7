/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz.h: what the fuzzers share. Each is one LLVMFuzzerTestOneInput (clang's libFuzzer); readers that want a file
 * get one in memory.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The path of a file with this content; the same path each time, and only the last content is there. */
const char *fuzz_file(const uint8_t *data, size_t size);
/* A copy that ends with NUL, to be freed. */
char *fuzz_text(const uint8_t *data, size_t size);

#endif
