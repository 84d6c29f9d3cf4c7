/* SPDX-License-Identifier: Apache-2.0
 *
 * recfile.c: mapped files in a folder.
 *
 * What may go wrong, and what becomes of it:
 *      no folder                        no recording; standard error says why, the program runs on
 *      disk full, quota, file size      fallocate fails; recording ends for all threads, with its time and reason
 *      no memory for a mapping          the same
 *      program closes all descriptors   nothing: none is open between two calls
 *      program changes its root or id   opening fails at the next piece; recording ends, what is mapped stays
 *      SIGKILL                          nothing is lost but what was being stored
 * The end has one time for all: records that other threads make after it may depend on one that was not made, so a reader
 * leaves them out, and what it has is a whole story up to there.
 *
 * Invariants
 *  - What is mapped was allocated before: a full disk is an error of the call, never a SIGBUS at a store.
 *  - Each access of the folder opens, does and closes: a program that closes all descriptors, or has none left, takes
 *    nothing away from us, and what is mapped stays.
 *  - `page` is always there; before the first folder, and without one, it is in our memory.
 */
#include "recfile.h"

#include "mem.h"
#include "recorder.h"
#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define CHUNK ((size_t)64 << 10)

static char folder[PATH_MAX - 64];
static struct gosan_trace_page no_page;
struct gosan_trace_page *gosan_recfile_page = &no_page;
bool gosan_recfile_tsc;

/* ---- time ---- */

uint64_t gosan_recfile_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

/* Where the kernel itself keeps time by the counter it runs evenly and is the same on all processors. */
void gosan_recfile_clock_init(void)
{
	static const char name[] = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
	int fd = (int)syscall(SYS_openat, AT_FDCWD, name, O_RDONLY | O_CLOEXEC);
	char text[4] = "";

	if (fd < 0)
		return;
	gosan_recfile_tsc = syscall(SYS_read, fd, text, sizeof(text)) == 4 && memcmp(text, "tsc\n", 4) == 0;
	syscall(SYS_close, fd);
}

/* ---- the folder ---- */

/* Only for the user: a recording names functions, files and arguments of the program. */
static int make_dir(const char *path)
{
	return syscall(SYS_mkdirat, AT_FDCWD, path, 0700) == 0 ? 0 : -errno;
}

/* The folder around it may be there, and others may be making it. An id comes again with an exec and with time. */
int gosan_recfile_make(const char *dir, int pid)
{
	char cwd[PATH_MAX] = "";
	int rc = make_dir(dir), n;

	if (rc != 0 && rc != -EEXIST)
		return rc;
	if (dir[0] != '/' && syscall(SYS_getcwd, cwd, sizeof(cwd)) < 0)
		return -errno;
	for (int again = 0; again < 10000; again++) {
		n = snprintf(folder, sizeof(folder), again ? "%s%s%s/%d.%d" : "%s%s%s/%d", cwd,
			     *cwd ? "/" : "", dir, pid, again);
		if (n < 0 || n >= (int)sizeof(folder))
			return -ENAMETOOLONG;
		rc = make_dir(folder);
		if (rc != -EEXIST)
			return rc;
	}
	return -EEXIST;
}

void gosan_recfile_path(const char *name, char *ret, size_t size)
{
	snprintf(ret, size, "%s/%s", folder, name);
}

/* No link is followed: the folder may lie where others can write. */
static int open_file(const char *name, int flags)
{
	char path[PATH_MAX];
	int fd;

	gosan_recfile_path(name, path, sizeof(path));
	fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	return fd < 0 ? -errno : fd;
}

/* Some file systems cannot allocate: there a byte per page is written, which says as well whether there is room. */
static int allocate(int fd, uint64_t offset, size_t size)
{
	static const char zero;

	if (syscall(SYS_fallocate, fd, 0, offset, size) == 0)
		return 0;
	if (errno != EOPNOTSUPP && errno != ENOSYS)
		return -errno;
	for (uint64_t at = offset; at < offset + size; at += 4096)
		if (syscall(SYS_pwrite64, fd, &zero, 1, at + 4095) != 1)
			return -errno;
	return 0;
}

/* A piece of a file, or -errno in *ret_error. */
static void *map_piece(const char *name, uint64_t offset, size_t size, void *at, int *ret_error)
{
	int fd = open_file(name, O_RDWR), rc;
	sigset_t before;
	long p = -1;

	*ret_error = fd < 0 ? fd : 0;
	if (fd < 0)
		return NULL;
	gosan_stream_limit_begin(&before);
	rc = allocate(fd, offset, size);
	gosan_stream_limit_end(&before, rc == -EFBIG);
	if (rc == 0) {
		p = syscall(SYS_mmap, at, size, PROT_READ | PROT_WRITE, MAP_SHARED | (at ? MAP_FIXED : 0), fd,
			    offset);
		if (p == -1)
			rc = -errno;
	}
	syscall(SYS_close, fd);
	*ret_error = rc;
	return p == -1 ? NULL : (void *)p;
}

/* What cannot be mapped ends the recording for all: a stream with a hole would tell lies about order. */
void *gosan_recfile_map(const char *name, uint64_t offset, size_t size, void *at)
{
	int saved = errno, error;
	void *p = map_piece(name, offset, size, at, &error);

	if (!p)
		gosan_recfile_stop(GOSAN_TRACE_NO_ROOM, -error);
	errno = saved;
	return p;
}

void gosan_recfile_unmap(void *p, size_t size)
{
	int saved = errno;

	if (p)
		syscall(SYS_munmap, p, size);
	errno = saved;
}

/* O_APPEND: lines of parent and child, or of two threads, follow each other. */
bool gosan_recfile_append(const char *name, const char *text, size_t n)
{
	int saved = errno, fd = open_file(name, O_WRONLY | O_APPEND);
	sigset_t before;
	bool ok = false;

	if (fd >= 0) {
		gosan_stream_limit_begin(&before);
		ok = syscall(SYS_write, fd, text, n) == (long)n;
		gosan_stream_limit_end(&before, !ok);
		syscall(SYS_close, fd);
	}
	errno = saved;
	return ok;
}

/* The magic is the last to be set, so that a page that was only allocated is recognised as none. */
int gosan_recfile_share(void)
{
	size_t size = (sizeof(struct gosan_trace_page) + 4095) & ~(size_t)4095;
	int error;
	struct gosan_trace_page *p = map_piece("page", 0, size, NULL, &error);

	if (!p)
		return error;
	memcpy(p, gosan_recfile_page, sizeof(*p));
	p->magic = GOSAN_TRACE_MAGIC;
	p->version = GOSAN_TRACE_VERSION;
	gosan_recfile_page = p;
	return 0;
}

/* The time first: whoever sees that recording is over leaves nothing behind that counts. */
void gosan_recfile_stop(enum gosan_trace_stop why, int error)
{
	uint64_t never = 0, now = gosan_recfile_time();
	char line[160];
	int n;

	if (!__atomic_compare_exchange_n(&gosan_recfile_page->stop_time, &never, now, false, __ATOMIC_ACQ_REL,
					 __ATOMIC_ACQUIRE))
		return;
	gosan_recfile_page->stop = why;
	gosan_recfile_page->error = (uint32_t)error;
	__atomic_store_n(&gosan_recorder_on, false, __ATOMIC_RELEASE);
	n = snprintf(line, sizeof(line), "note recording ended before the program: error %d (%s)\n", error,
		     error == ENOSPC || error == EDQUOT ? "no space left"
		     : error == EFBIG                   ? "the limit on file sizes"
							: "the folder cannot be written");
	if (n > 0)
		gosan_recfile_append("meta", line, (size_t)n);
}

/* ---- tables ---- */

/* Held over the system calls that map a chunk: once per 64 KiB of a table. */
static void lock(char *word)
{
	while (__atomic_test_and_set(word, __ATOMIC_ACQUIRE))
		;
}

static size_t bytes_of(const struct gosan_rectable *t)
{
	return (t->row * t->max + CHUNK - 1) & ~(CHUNK - 1);
}

/* Addresses only: a row's chunk is mapped when it is needed. */
bool gosan_rectable_open(struct gosan_rectable *t)
{
	long p = syscall(SYS_mmap, NULL, bytes_of(t), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
			 -1, 0L);

	if (p == -1)
		return false;
	t->ready = gosan_mem_alloc(bytes_of(t) / CHUNK);
	t->base = t->ready ? (char *)p : NULL;
	t->n_chunks = 0;
	return t->base != NULL;
}

/* MAP_FIXED replaces reserved addresses of our own, nothing else. */
static bool map_chunk(struct gosan_rectable *t, size_t chunk)
{
	bool ok = true;

	lock(&t->lock);
	if (!t->ready[chunk]) {
		ok = gosan_recfile_map(t->name, chunk * CHUNK, CHUNK, t->base + chunk * CHUNK) != NULL;
		__atomic_store_n(&t->ready[chunk], ok, __ATOMIC_RELEASE);
		if (ok && t->n_chunks <= chunk)
			t->n_chunks = (uint32_t)chunk + 1;
	}
	__atomic_clear(&t->lock, __ATOMIC_RELEASE);
	return ok;
}

/* One load when the chunk is there. Rows of 2^n bytes lie in one chunk each; the bytes of a stack may lie in two. */
void *gosan_rectable_row(struct gosan_rectable *t, uint64_t i, size_t rows)
{
	size_t first = i * t->row / CHUNK, last = ((i + rows) * t->row - 1) / CHUNK;

	if (!t->base || i + rows > t->max)
		return NULL;
	for (size_t c = first; c <= last; c++)
		if (!__atomic_load_n(&t->ready[c], __ATOMIC_ACQUIRE) && !map_chunk(t, c))
			return NULL;
	return t->base + i * t->row;
}

/* Copied beside and then put in the place of the parent's, which is never written. Chunks that were not ready stay
 * so: nobody else runs here. */
bool gosan_rectable_fork(struct gosan_rectable *t)
{
	t->lock = 0;
	for (uint32_t c = 0; t->base && c < t->n_chunks; c++) {
		char *at = t->base + c * CHUNK;
		void *fresh;

		if (!t->ready[c])
			continue;
		fresh = gosan_recfile_map(t->name, c * CHUNK, CHUNK, NULL);
		if (!fresh)
			return false;
		memcpy(fresh, at, CHUNK);
		if (syscall(SYS_mremap, fresh, CHUNK, CHUNK, MREMAP_MAYMOVE | MREMAP_FIXED, at) == -1)
			return false;
	}
	return t->base != NULL;
}
