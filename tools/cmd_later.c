/* SPDX-License-Identifier: Apache-2.0
 * cmd_later.c: commands of the interface that this version doesn't have. */
#include "tool.h"

int cmd_later(int argc, char **argv)
{
	(void)argc;
	tool_error("%s is not available in this version", argv[0]);
	return TOOL_MISSING;
}
