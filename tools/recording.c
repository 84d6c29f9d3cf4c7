/* SPDX-License-Identifier: Apache-2.0
 *
 * recording.c: from the folder that processes recorded in to the one file that was asked for.
 *
 * Everything is read first and the folder removed last, so that nothing is lost by a disk that is full. A process that
 * outlives the run goes on in files that have no name any more.
 */
#include "recording.h"

#include "options.h"
#include "tool.h"
#include "trace.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

int recording_finish(int status)
{
	const char *path = gosan_options.trace;
	size_t n = path ? strlen(path) : 0;
	char folder[TOOL_PATH_MAX], err[TOOL_ERROR_MAX];
	struct stat st;

	if (!n)
		return status;
	snprintf(folder, sizeof folder, "%s.d", path);
	if (n > 6 && strcmp(path + n - 6, ".gosan") == 0 && stat(folder, &st) == 0) {
		if (trace_pack(folder, path, err, sizeof err) == 0)
			trace_folder_remove(folder);
		else
			tool_error("the recording stays in %s: %s", folder, err);
	}
	if (!gosan_options.quiet)
		fprintf(stderr, "gosan: recorded in %s: gosan report %s\n", path, path);
	return status;
}
