/* SPDX-License-Identifier: Apache-2.0
 *
 * raw.h: reader of the raw streams that the preloaded library writes (format: detector/finding.h). Knows
 * JSON lines; knows no symbols.
 */
#ifndef RAW_H
#define RAW_H

#include "report.h"

#define RAW_ERROR_MAX 512

/* Append the processes and findings of one stream to r. A torn last line is ignored. 0, or -errno with one
 * sentence in err: -ENOENT and the like when the file cannot be read, -EBADMSG when it is no raw stream. */
int raw_read_file(struct report *r, const char *path, char *err, size_t err_size);
/* The same with the page of counters that goes with it, for a process that had no time to write them itself. */
int raw_read_pair(struct report *r, const char *path, const char *counters, char *err, size_t err_size);
/* All *.raw of a directory, in the order of their names, and the *.ctr pages of processes that had no time
 * to write their counters. -ENODATA when there is none. */
int raw_read_dir(struct report *r, const char *dir, char *err, size_t err_size);
struct report *raw_report_new(void);
void raw_report_free(struct report *r);

#endif
