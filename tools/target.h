/* SPDX-License-Identifier: Apache-2.0
 *
 * target.h: can this program be watched? Looks at the file only; refuses with what to do instead.
 */
#ifndef TARGET_H
#define TARGET_H

#include <stddef.h>

/* The file that execvp would run for name. 0, or -ENOENT / -EACCES with one sentence in err. */
int target_find(const char *name, char *ret_path, size_t size, char *err, size_t err_size);
/* 0 when a preloaded library will be loaded into it and can do its work; -ENOTSUP with one sentence in err:
 * static, of another machine, a script, privileged, or already under another sanitizer. */
int target_check(const char *path, char *err, size_t err_size);

#endif
