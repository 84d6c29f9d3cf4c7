/* SPDX-License-Identifier: Apache-2.0
 *
 * debugfile.h: a file with symbols by build id, where the program itself is gone or is another build: as on the machine
 * of whoever reads a recording. Knows the usual places and debuginfod servers; knows nothing of what is in the file.
 */
#ifndef DEBUGFILE_H
#define DEBUGFILE_H

#include <stddef.h>

/* Servers may be asked from now on: those in DEBUGINFOD_URLS. Until then that variable is ignored, by libdw as well: the
 * report of a run must not wait for a server, and a distribution may name one for everybody. */
void debugfile_allow_servers(void);
/* Before libdw is used for the first time. */
void debugfile_begin(void);

/* What kept servers from being asked, in one sentence; NULL: nothing did. It is for the command to say. */
const char *debugfile_trouble(void);

/* Path of a debug file, to be freed, or NULL. build_id: hex digits, "" has none. */
char *debugfile_find(const char *build_id);

#endif
