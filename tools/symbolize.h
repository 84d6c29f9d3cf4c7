/* SPDX-License-Identifier: Apache-2.0
 *
 * symbolize.h: addresses of one process to frames and variables: which module, then symfile.h. Files are
 * opened once per report, whatever the number of processes.
 */
#ifndef SYMBOLIZE_H
#define SYMBOLIZE_H

#include "report.h"

struct symbolizer;

struct symbolizer *symbolize_new(struct arena *a);
void symbolize_free(struct symbolizer *z);

/* Fill st->frames from st->pcs. Frames of the detector, the runtime and the C library's start-up code are
 * left out unless nothing else remains. */
void symbolize_stack(struct symbolizer *z, const struct process *p, struct stack *st);
/* The frame of one return address; function is "" when unknown. */
struct frame symbolize_pc(struct symbolizer *z, const struct process *p, uint64_t pc);
/* "cache.len", or NULL when addr is in no module or has no name there. */
const char *symbolize_variable(struct symbolizer *z, const struct process *p, uint64_t addr, uint64_t size);
/* "module+0x.." for data without a name; NULL outside of all modules. */
const char *symbolize_offset(struct arena *a, const struct process *p, uint64_t addr);
bool symbolize_in_module(const struct process *p, uint64_t addr);
/* symfile.h, of the function that returns to pc. */
uint64_t symbolize_local_size(struct symbolizer *z, const struct process *p, uint64_t pc, const char *name);
const char *symbolize_pointee(struct symbolizer *z, const struct process *p, uint64_t pc, const char *name,
			      const struct object *o, bool *ret_bytes);

#endif
