/* SPDX-License-Identifier: Apache-2.0
 * tmpdir.h: a private directory below TMPDIR, gone at the end. */
#ifndef TMPDIR_H
#define TMPDIR_H

#include <stddef.h>

/* Make it; its path goes to ret. 0, or -errno with the path that was tried in ret. */
int tmpdir_make(char *ret, size_t size, const char *prefix);
/* Remove the files in it, and then it. Directories inside stay, and so does it then. */
void tmpdir_remove(const char *dir);

#endif
