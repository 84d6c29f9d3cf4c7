/* SPDX-License-Identifier: Apache-2.0
 *
 * where.c: the parts are found relative to the program, so an installed tree may be moved. In a build tree
 * bin/ and lib/ are laid out the same way; what the build doesn't copy is taken from the sources.
 *
 *   PREFIX/bin/gosan      PREFIX/lib/libgosan.so      PREFIX/include/goroutine.h      PREFIX/share/gosan/
 *
 * No configuration file and no variable of the environment takes part: two versions may live side by side,
 * and each finds its own parts.
 */
#include "tool.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The directory above bin/. */
static int prefix(char *ret, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", ret, size - 1);

	if (n < 0)
		return -errno;
	ret[n] = '\0';
	for (int up = 0; up < 2; up++) {
		char *slash = strrchr(ret, '/');

		if (!slash)
			return -ENOENT;
		*slash = '\0';
	}
	return 0;
}

/* The first of dirs (relative ones below the prefix) that has name; ret names the first otherwise. */
static int look(const char *const *dirs, const char *name, char *ret, size_t size)
{
	char root[TOOL_PATH_MAX];
	int error = prefix(root, sizeof root);

	for (int pass = 0; !error && pass < 2; pass++)
		for (size_t i = 0; dirs[i]; i++) {
			if (dirs[i][0] == '/')
				snprintf(ret, size, "%s/%s", dirs[i], name);
			else
				snprintf(ret, size, "%s/%s/%s", root, dirs[i], name);
			if (pass == 1)
				return -ENOENT;
			if (access(ret, R_OK) == 0)
				return 0;
		}
	return error;
}

/* The directory of the distribution (lib/x86_64-linux-gnu) first, then plain lib, which a build tree has
 * as well. */
int where_library(const char *name, char *ret, size_t size)
{
	static const char *const dirs[] = {GOSAN_LIBDIR_NAME, "lib", NULL};

	return look(dirs, name, ret, size);
}

/* The directory, for -I. */
int where_header(char *ret, size_t size)
{
	static const char *const dirs[] = {"include", NULL};
	int error = look(dirs, "goroutine.h", ret, size);
	char *slash = strrchr(ret, '/');

	if (slash)
		*slash = '\0';
	return error;
}

/* Installed, or in the sources. */
int where_page(const char *name, char *ret, size_t size)
{
	static const char *const dirs[] = {"share/gosan/explain", GOSAN_SOURCE_DIR "/tools/explain", NULL};

	return look(dirs, name, ret, size);
}

/* Installed, or in the sources. */
int where_case(const char *name, char *ret, size_t size)
{
	static const char *const dirs[] = {"share/gosan/testcases", GOSAN_SOURCE_DIR "/testcases", NULL};

	return look(dirs, name, ret, size);
}
