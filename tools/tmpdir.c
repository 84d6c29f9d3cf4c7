/* SPDX-License-Identifier: Apache-2.0
 * tmpdir.c: see tmpdir.h.
 *
 * mkdtemp makes it with mode 0700: streams name files and functions of the program, which are nobody
 * else's business.
 */
#include "tmpdir.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int tmpdir_make(char *ret, size_t size, const char *prefix)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(ret, size, "%s/%s-XXXXXX", tmp && *tmp ? tmp : "/tmp", prefix);
	return mkdtemp(ret) ? 0 : -errno;
}

void tmpdir_remove(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d && (e = readdir(d)) != NULL)
		unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
	rmdir(dir);
}
