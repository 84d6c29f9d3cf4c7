/* SPDX-License-Identifier: Apache-2.0
 * options.h: the settings, parsed from GOSAN_OPTIONS. Shared by the preloaded library and the tools;
 * uses no malloc. */
#ifndef GOSAN_OPTIONS_H
#define GOSAN_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

struct gosan_options {
#define GOSAN_OPTION_BOOL        bool
#define GOSAN_OPTION_INT         int
#define GOSAN_OPTION_STR         const char *
#define X(type, name, def, help) GOSAN_OPTION_##type name;
#include "options.def"
#undef X
};
extern struct gosan_options gosan_options; /* defaults until parsed */

/* Parse "key=value:key=value" into gosan_options; strings point into static storage of options.c. 0, or
 * -EINVAL with one clear sentence ("unknown key 'formt': did you mean 'format'?") in err. */
int gosan_options_parse(const char *text, char *err, size_t err_size);
/* Closest name in a NULL-terminated list by edit distance, or NULL when none is close. */
const char *gosan_options_suggest(const char *word, const char *const *names);
/* One line per setting with its default, for help=1. Returns bytes written as snprintf does. */
size_t gosan_options_help(char *buf, size_t size);

#endif
