/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_render_raw.c: the hidden command by which the preloaded library, when nobody ran it by "gosan run", has
 * its streams shown at the end of the process: gosan render-raw DIR. Settings come from GOSAN_OPTIONS alone.
 */
#include "pipeline.h"
#include "tool.h"

#include <stdlib.h>
#include <sys/stat.h>

int cmd_render_raw(int argc, char **argv)
{
	struct settings s;
	struct stat st;
	char err[TOOL_ERROR_MAX];

	/* The library that started this one must not watch it, nor anything below it. */
	unsetenv("LD_PRELOAD");
	if (argc != 2) {
		tool_error("render-raw: one directory with streams is needed");
		return TOOL_USAGE;
	}
	if (settings_begin(&s, err, sizeof err) != 0) {
		tool_error("%s", err);
		return TOOL_USAGE;
	}
	if (stat(argv[1], &st) != 0 || !S_ISDIR(st.st_mode)) {
		tool_error("render-raw: %s: not a directory", argv[1]);
		return TOOL_UNREADABLE;
	}
	return pipeline_run(&(struct pipeline){.dir = argv[1], .exit_status = -1}, &s);
}
