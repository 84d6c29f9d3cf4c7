/* SPDX-License-Identifier: Apache-2.0
 *
 * explain.h: the pages of gosan explain, with their programs put in, for whoever shows them: the terminal,
 * the rules of a SARIF file.
 */
#ifndef EXPLAIN_H
#define EXPLAIN_H

#include "arena.h"

/* The page of a code ("GS101") as Markdown, or NULL with the path where it was looked for in *ret_path. */
const char *explain_page(struct arena *a, const char *code, const char **ret_path);
/* Its first paragraph on one line: what the finding means. "" when there is none. */
const char *explain_summary(struct arena *a, const char *page);

#endif
