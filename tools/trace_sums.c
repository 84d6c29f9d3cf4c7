/* SPDX-License-Identifier: Apache-2.0
 *
 * trace_sums.c: what a folder's files were when their process had ended.
 *
 * A stream predicts: a byte that was turned makes other records of all that follow, and some of those are as good as the
 * recorded ones, so that leaks and races would be made up of them. Only a sum over the whole file tells. The recorder
 * can't keep one, for at any moment it may be killed; so it is the tool that notes it, behind the process's back.
 *
 *      gosan-sums SUM-OF-THE-LINES-BELOW
 *      SUM SIZE NAME
 *
 * Sums are XXH3 with 64 bits, in hex: against accidents, not against forgers.
 */
#include "trace.h"
#include "trace_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#define SUMS  "sums"
#define FIRST "gosan-sums"

struct sum {
	uint64_t sum, size;
};

/* False: it is no plain file, or cannot be read. */
static bool sum_of(int dir, const char *name, struct sum *ret)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	void *p = MAP_FAILED;
	struct stat st;

	if (fd < 0)
		return false;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return false;
	}
	if (st.st_size)
		p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (st.st_size && p == MAP_FAILED)
		return false;
	ret->size = (uint64_t)st.st_size;
	ret->sum = XXH3_64bits(st.st_size ? p : "", ret->size);
	if (st.st_size)
		munmap(p, ret->size);
	return true;
}

/* Of all files but names with a dot in front, and the sums themselves. */
static void write_lines(const char *process, FILE *out)
{
	DIR *d = opendir(process);
	struct dirent *e;
	struct sum s;

	while (d && (e = readdir(d)) != NULL)
		if (e->d_name[0] != '.' && strcmp(e->d_name, SUMS) != 0 && sum_of(dirfd(d), e->d_name, &s))
			fprintf(out, "%016" PRIx64 " %" PRIu64 " %s\n", s.sum, s.size, e->d_name);
	if (d)
		closedir(d);
}

/* Beside it first: a file of that name is a whole one. */
int trace_seal(const char *process)
{
	char part[PATH_MAX], path[PATH_MAX], *lines = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&lines, &n);
	bool written;

	if (!f || snprintf(part, sizeof part, "%s/." SUMS, process) >= (int)sizeof part)
		return -ENOMEM;
	snprintf(path, sizeof path, "%s/" SUMS, process);
	write_lines(process, f);
	fclose(f);
	f = fopen(part, "we");
	written = f && fprintf(f, FIRST " %016" PRIx64 "\n%s", (uint64_t)XXH3_64bits(lines, n), lines) > 0;
	written = f && fclose(f) == 0 && written && rename(part, path) == 0;
	free(lines);
	if (written)
		return 0;
	unlink(part);
	return -EIO;
}

static bool is_whole(const char *text)
{
	const char *below = strchr(text, '\n');
	uint64_t sum;

	return below && sscanf(text, FIRST " %16" SCNx64, &sum) == 1 &&
	       XXH3_64bits(below + 1, strlen(below + 1)) == sum;
}

/* The first file that is not what it was; NULL: all are. text: lines, which are cut at their ends. */
static const char *first_other(int dir, char *text)
{
	for (char *line = strchr(text, '\n') + 1, *next; (next = strchr(line, '\n')) != NULL;
	     line = next + 1) {
		struct sum was, is;
		int at = 0;

		*next = 0;
		if (sscanf(line, "%16" SCNx64 " %" SCNu64 " %n", &was.sum, &was.size, &at) < 2 || !at)
			return SUMS;
		if (!sum_of(dir, line + at, &is) || is.sum != was.sum || is.size != was.size)
			return line + at;
	}
	return NULL;
}

int trace_check_sums(struct trace *t, const char *process, char *err, size_t err_size)
{
	int dir = open(process, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = dir < 0 ? -1 : openat(dir, SUMS, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	const char *other = SUMS;
	char *text = NULL;
	struct stat st;

	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size < INT_MAX) {
		text = arena_alloc(t->arena, (size_t)st.st_size + 1);
		text[st.st_size] = 0;
		if (read(fd, text, (size_t)st.st_size) == st.st_size && is_whole(text))
			other = first_other(dir, text);
	}
	if (fd >= 0)
		close(fd);
	if (dir >= 0)
		close(dir);
	if (fd < 0 || !other)
		return 0;
	snprintf(err, err_size, "%s: the recording is damaged: %s is not what was recorded", process, other);
	return -EBADMSG;
}
