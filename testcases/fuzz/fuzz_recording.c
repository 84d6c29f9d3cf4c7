/* SPDX-License-Identifier: Apache-2.0
 * fuzz_recording.c: in memory (/dev/shm), where thousands a second are no burden. recording.py makes inputs. */
#include "fuzz_recording.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
	const char *name;
	off_t multiple; /* of what its size is */
} files[] = {
	{"meta", 1},       {"page", 4096},      {"actors", 65536},   {"objects", 65536},  {"contexts", 65536},
	{"stacks", 65536}, {"stream.1", 65536}, {"stream.2", 65536}, {"stream.3", 65536}, {"counters", 1},
};
#define N_FILES (sizeof files / sizeof *files)

static char dir[64];

/* At the end of the fuzzer nothing stays behind. */
static void clean(void)
{
	char path[128];

	for (size_t i = 0; i < N_FILES; i++) {
		snprintf(path, sizeof path, "%s/%s", dir, files[i].name);
		unlink(path);
	}
	rmdir(dir);
}

static void write_file(unsigned which, const uint8_t *data, size_t size)
{
	char path[128];
	struct stat st;
	off_t multiple = files[which].multiple;

	snprintf(path, sizeof path, "%s/%s", dir, files[which].name);
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size || fstat(fd, &st) != 0 ||
	    ftruncate(fd, (st.st_size + multiple - 1) / multiple * multiple) != 0)
		abort();
	close(fd);
}

const char *fuzz_recording(const uint8_t *data, size_t size)
{
	if (!*dir) {
		snprintf(dir, sizeof dir, "/dev/shm/gosan-fuzz-%d", (int)getpid());
		atexit(clean);
	} else
		clean();
	if (mkdir(dir, 0700) != 0)
		abort();
	for (size_t at = 0; at + 3 <= size;) {
		size_t n = (size_t)data[at + 1] | (size_t)data[at + 2] << 8, left = size - at - 3;

		n = n < left ? n : left;
		write_file(data[at] % N_FILES, data + at + 3, n);
		at += 3 + n;
	}
	return dir;
}
