/* SPDX-License-Identifier: Apache-2.0
 *
 * debugfile.c: first the folder that distributions install debug files in, then the servers.
 *
 * libdebuginfod is opened when it is first needed, as libdw itself does it: it brings an HTTP library along, which most
 * reports have no use for. It keeps what it got (DEBUGINFOD_CACHE_PATH), so a file comes over the network once.
 *
 * A server that does not answer is asked once: with twenty modules in a report, waiting for each would be minutes.
 */
#include "debugfile.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIBRARY "libdebuginfod.so.1"
/* Seconds without progress; libdebuginfod's own 90 are for those who wait on purpose. */
#define PATIENCE "10"

/* The part of libdebuginfod's interface that is used here (debuginfod.h of elfutils). */
struct library {
	void *(*begin)(void);
	int (*find)(void *client, const unsigned char *build_id, int length, char **ret_path);
	void (*end)(void *client);
};

static bool allowed;
static char trouble[1024]; /* no server is asked any more */
static struct library library;

void debugfile_allow_servers(void)
{
	allowed = true;
	setenv("DEBUGINFOD_TIMEOUT", PATIENCE, 0);
}

void debugfile_begin(void)
{
	if (!allowed)
		unsetenv("DEBUGINFOD_URLS");
}

/* Names as in /usr/lib/debug/.build-id/ab/cdef....debug. */
static char *find_installed(const char *build_id)
{
	char *path = NULL;

	if (asprintf(&path, "/usr/lib/debug/.build-id/%.2s/%s.debug", build_id, build_id + 2) < 0)
		return NULL;
	if (access(path, R_OK) == 0)
		return path;
	free(path);
	return NULL;
}

/* Once. What is missing will be told, since the user configured a server and waits for names. */
static bool open_library(void)
{
	void *l = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);

	if (!l) {
		snprintf(trouble, sizeof trouble, "there is no " LIBRARY " to ask them with");
		return false;
	}
	library.begin = (void *(*)(void))dlsym(l, "debuginfod_begin");
	library.find =
		(int (*)(void *, const unsigned char *, int, char **))dlsym(l, "debuginfod_find_debuginfo");
	library.end = (void (*)(void *))dlsym(l, "debuginfod_end");
	if (library.begin && library.find && library.end)
		return true;
	snprintf(trouble, sizeof trouble, LIBRARY " is not the one that is known here");
	return false;
}

/* Length 0: the id is text. A server that is there and does not have the file says -ENOENT. */
static char *ask_servers(const char *build_id)
{
	const char *urls = getenv("DEBUGINFOD_URLS");
	char *path = NULL;
	void *client;
	int fd;

	if (!allowed || *trouble || !urls || !*urls)
		return NULL;
	if (!library.find && !open_library())
		return NULL;
	client = library.begin();
	if (!client)
		return NULL;
	fd = library.find(client, (const unsigned char *)build_id, 0, &path);
	library.end(client);
	if (fd >= 0) {
		close(fd);
		return path;
	}
	if (fd != -ENOENT) {
		snprintf(trouble, sizeof trouble, "%s: %s", urls, strerror(-fd));
		unsetenv("DEBUGINFOD_URLS"); /* libdw asks as well */
	}
	return NULL;
}

const char *debugfile_trouble(void)
{
	return *trouble ? trouble : NULL;
}

char *debugfile_find(const char *build_id)
{
	char *path;

	/* It becomes part of a path and of a request. */
	if (strlen(build_id) < 3 || build_id[strspn(build_id, "0123456789abcdef")])
		return NULL;
	path = find_installed(build_id);
	return path ? path : ask_servers(build_id);
}
