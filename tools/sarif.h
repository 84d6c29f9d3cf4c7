/* SPDX-License-Identifier: Apache-2.0
 *
 * sarif.h: the parts of a SARIF 2.1.0 file: one result (sarif_result.c), the table of rules (sarif_rules.c).
 * Section numbers in comments are those of the OASIS standard.
 */
#ifndef SARIF_H
#define SARIF_H

#include "report.h"

#include <jansson.h>

/* What GitHub's code scanning takes (its page "SARIF support for code scanning"). More is refused or
 * silently cut there, so it is cut here, and said. */
#define SARIF_RESULTS_MAX   25000
#define SARIF_LOCATIONS_MAX 100
#define SARIF_STEPS_MAX     1000
#define SARIF_TEXT_MAX      1024
/* The limit is 10 MB after gzip. Results repeat their member names and paths: gzip leaves less than a
 * quarter of them, whatever the names are. */
#define SARIF_BYTES_MAX (40u << 20)

/* A new JSON string, clean UTF-8. */
json_t *sarif_text(struct arena *a, const char *text);
/* {"text": ..}; also as markdown when markdown is not NULL. */
json_t *sarif_message(struct arena *a, const char *text, const char *markdown);

/* Index of the code's rule, the order of the table in finding.h; -1: unknown. */
int sarif_rule_index(const char *code);
json_t *sarif_rules(struct arena *a);
/* The result object of f, which is r's; what had to be left out is added to *ret_cut. */
json_t *sarif_result(const struct report *r, const struct finding *f, uint64_t *ret_cut);

#endif
