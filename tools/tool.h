/* SPDX-License-Identifier: Apache-2.0
 *
 * tool.h: what the subcommands share: exit statuses, the error reporter, where the installed parts are.
 */
#ifndef TOOL_H
#define TOOL_H

#include <stdbool.h>
#include <stddef.h>

enum tool_exit {
	TOOL_OK = 0,
	TOOL_USAGE = 64,
	TOOL_UNREADABLE = 65,
	TOOL_FINDINGS = 66,
	TOOL_INTERNAL = 70,
	TOOL_MISSING = 77,
};

#define TOOL_ERROR_MAX 1024
#define TOOL_PATH_MAX  4096

/* main.c: one line "gosan: ..." to standard error. Only commands call it. */
void tool_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* argv[0] is the subcommand's name. Returns the exit status. */
int cmd_run(int argc, char **argv);
int cmd_gate(int argc, char **argv);
int cmd_baseline(int argc, char **argv);
int cmd_cc(int argc, char **argv);
int cmd_explain(int argc, char **argv);
int cmd_dump(int argc, char **argv);
int cmd_export(int argc, char **argv);
int cmd_import(int argc, char **argv);
int cmd_render_raw(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_later(int argc, char **argv);

/* where.c: the installed tree, or the build tree, that this very program belongs to. 0, or -ENOENT with the
 * place where it was expected in ret. */
int where_library(const char *name, char *ret, size_t size); /* libgosan.so */
int where_header(char *ret, size_t size);                    /* directory of goroutine.h */
int where_page(const char *name, char *ret, size_t size);    /* explain/GS101.md */
int where_case(const char *name, char *ret, size_t size);    /* cases/GS101, guide/pitfalls */

#endif
