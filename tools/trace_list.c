/* SPDX-License-Identifier: Apache-2.0
 *
 * trace_list.c: recordings of whole runs: folders of processes, and the one file that such a folder is packed into.
 *
 * A packed file is a line "gosan-packed 1" and one zstd frame. In it, for each file: three numbers of 8 bytes (the length
 * of its name, its size, and how many of its bytes follow), the name ("PROCESS/FILE"), and the bytes up to the last that
 * is not 0. Tables and streams are allocated ahead, so what is behind it is zeros, which cost nothing here.
 *
 * Not tar: what may be in such a file is exactly this, so that nobody's archive can put anything anywhere else.
 */
#include "tmpdir.h"
#include "trace.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#define PACKED    "gosan-packed 1\n"
#define PACKED_N  (sizeof(PACKED) - 1)
#define NAME_MAX_ 128u
#define FILE_MAX  (UINT64_C(1) << 40)
#define CHUNK     ((size_t)1 << 17)

/* One sentence for the user, who gave a path. */
static int say(char *err, size_t size, const char *path, int error)
{
	snprintf(err, size, "%s: %s", path,
		 error == -EBADMSG ? "this is not a recording of gosan, or it is damaged" : strerror(-error));
	return error;
}

/* ---- folders ---- */

/* meta is the first file that a recording has. */
static bool is_process(const char *path)
{
	char meta[PATH_MAX + 8];
	struct stat st;

	snprintf(meta, sizeof meta, "%s/meta", path);
	return stat(meta, &st) == 0 && S_ISREG(st.st_mode);
}

/* Without memory for a name a process is missing from the list, and so from the report. */
static void add(struct trace_list *l, const char *path)
{
	char **bigger = realloc(l->path, (l->n + 1) * sizeof(*bigger));

	if (!bigger)
		return;
	l->path = bigger;
	l->path[l->n] = strdup(path);
	l->n += l->path[l->n] != NULL;
}

/* When it started, as its page says; one without is the last. */
static uint64_t start_of(const char *path)
{
	struct gosan_trace_page page;
	char name[PATH_MAX + 8];
	uint64_t ns = UINT64_MAX;
	int fd;

	snprintf(name, sizeof name, "%s/page", path);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && read(fd, &page, sizeof page) == (ssize_t)sizeof page)
		ns = page.ns0;
	if (fd >= 0)
		close(fd);
	return ns;
}

/* The first to start is the program that was run: the report calls it the main one. */
static int by_start(const void *a, const void *b)
{
	const char *x = *(char *const *)a, *y = *(char *const *)b;
	uint64_t s = start_of(x), t = start_of(y);

	return s != t ? (s < t ? -1 : 1) : strcmp(x, y);
}

/* Folders without meta are of processes that died before they began, or somebody else's. */
static int read_folder(struct trace_list *l, const char *path)
{
	DIR *d;
	struct dirent *e;

	if (is_process(path)) {
		add(l, path);
		return 0;
	}
	d = opendir(path);
	if (!d)
		return -errno;
	while ((e = readdir(d)) != NULL) {
		char sub[PATH_MAX];

		if (e->d_name[0] == '.' ||
		    snprintf(sub, sizeof sub, "%s/%s", path, e->d_name) >= (int)sizeof sub)
			continue;
		if (is_process(sub))
			add(l, sub);
	}
	closedir(d);
	if (l->n)
		qsort(l->path, l->n, sizeof *l->path, by_start);
	return l->n ? 0 : -EBADMSG;
}

/* ---- packing ---- */

struct packer {
	FILE *out;
	ZSTD_CCtx *z;
	int error;
};

/* Until all of it is taken, and at the end until all of it is out. */
static void pack_bytes(struct packer *p, const void *bytes, size_t n, ZSTD_EndDirective how)
{
	static char buffer[CHUNK];
	ZSTD_inBuffer in = {bytes, n, 0};
	size_t left;

	do {
		ZSTD_outBuffer out = {buffer, sizeof buffer, 0};

		left = ZSTD_compressStream2(p->z, &out, &in, how);
		if (ZSTD_isError(left) || fwrite(buffer, 1, out.pos, p->out) != out.pos)
			p->error = -EIO;
	} while (!p->error && (in.pos < in.size || (how == ZSTD_e_end && left)));
}

static void pack_number(struct packer *p, uint64_t v)
{
	pack_bytes(p, &v, sizeof v, ZSTD_e_continue);
}

/* Where the zeros at the end begin. */
static uint64_t filled(int fd, uint64_t size)
{
	static char buffer[CHUNK];
	uint64_t at = (size + CHUNK - 1) / CHUNK * CHUNK;

	while (at) {
		ssize_t n = pread(fd, buffer, CHUNK, (off_t)(at -= CHUNK));

		for (; n > 0; n--)
			if (buffer[n - 1])
				return at + (uint64_t)n;
	}
	return 0;
}

/* Of a file that a living process still writes, a moment is packed. What is no plain file is not ours. */
static void pack_file(struct packer *p, const char *path, const char *name)
{
	static char buffer[CHUNK];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;
	uint64_t n, at = 0;

	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		if (fd >= 0)
			close(fd);
		return;
	}
	n = filled(fd, (uint64_t)st.st_size);
	pack_number(p, strlen(name));
	pack_number(p, (uint64_t)st.st_size);
	pack_number(p, n);
	pack_bytes(p, name, strlen(name), ZSTD_e_continue);
	while (at < n && !p->error) {
		size_t want = n - at < CHUNK ? (size_t)(n - at) : CHUNK;
		ssize_t got = pread(fd, buffer, want, (off_t)at);

		if (got <= 0) {
			p->error = -EIO;
			break;
		}
		pack_bytes(p, buffer, (size_t)got, ZSTD_e_continue);
		at += (uint64_t)got;
	}
	close(fd);
}

static void pack_process(struct packer *p, const char *path)
{
	const char *slash = strrchr(path, '/');
	DIR *d = opendir(path);
	struct dirent *e;

	while (d && (e = readdir(d)) != NULL) {
		char file[PATH_MAX], name[NAME_MAX_ + 1];

		if (e->d_name[0] == '.' ||
		    snprintf(file, sizeof file, "%s/%s", path, e->d_name) >= (int)sizeof file)
			continue;
		if (snprintf(name, sizeof name, "%s/%s", slash ? slash + 1 : path, e->d_name) <
		    (int)sizeof name)
			pack_file(p, file, name);
	}
	if (d)
		closedir(d);
}

/* Beside it first: a file of that name is a whole one. */
int trace_pack(const char *dir, const char *file, char *err, size_t err_size)
{
	struct packer p = {.z = ZSTD_createCCtx()};
	struct trace_list l = {0};
	char part[PATH_MAX];
	int rc = read_folder(&l, dir);

	snprintf(part, sizeof part, "%s.part", file);
	if (rc == 0 && !(p.out = fopen(part, "we")))
		rc = -errno;
	if (rc == 0) {
		ZSTD_CCtx_setParameter(p.z, ZSTD_c_compressionLevel, 3);
		ZSTD_CCtx_setParameter(p.z, ZSTD_c_checksumFlag, 1);
		p.error = fwrite(PACKED, 1, PACKED_N, p.out) == PACKED_N ? 0 : -EIO;
		for (size_t i = 0; i < l.n && !p.error; i++)
			pack_process(&p, l.path[i]);
		pack_bytes(&p, NULL, 0, ZSTD_e_end);
		if (fclose(p.out) != 0)
			p.error = -errno;
		rc = p.error;
		if (rc == 0 && rename(part, file) != 0)
			rc = -errno;
		if (rc != 0)
			unlink(part);
	}
	ZSTD_freeCCtx(p.z);
	trace_list_free(&l);
	return rc == 0 ? 0 : say(err, err_size, file, rc);
}

/* ---- unpacking ---- */

struct unpacker {
	FILE *in;
	ZSTD_DCtx *z;
	char raw[CHUNK];
	ZSTD_inBuffer have;
};

/* Exactly n bytes: n; 0 when the frame is over before the first; -EBADMSG. */
static long unpack_bytes(struct unpacker *u, void *ret, size_t n)
{
	ZSTD_outBuffer out = {ret, n, 0};

	while (out.pos < n) {
		size_t before = out.pos, rc;

		rc = ZSTD_decompressStream(u->z, &out, &u->have);
		if (ZSTD_isError(rc))
			return -EBADMSG;
		if (out.pos > before || out.pos == n)
			continue;
		if (u->have.pos == u->have.size) {
			u->have = (ZSTD_inBuffer){u->raw, fread(u->raw, 1, sizeof u->raw, u->in), 0};
			if (!u->have.size)
				return out.pos ? -EBADMSG : 0;
		}
	}
	return (long)n;
}

/* "PROCESS/FILE", and nothing that leads elsewhere. */
static bool is_safe(const char *name)
{
	const char *slash = strchr(name, '/');

	return slash && slash != name && slash[1] && !strchr(slash + 1, '/') && name[0] != '.' &&
	       slash[1] != '.';
}

/* Two files of one name are a forgery, or damage: O_EXCL refuses the second. */
static int make_file(const char *dir, char *name)
{
	char path[PATH_MAX + NAME_MAX_ + 2], *slash = strchr(name, '/');

	*slash = 0;
	snprintf(path, sizeof path, "%s/%s", dir, name);
	*slash = '/';
	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return -errno;
	snprintf(path, sizeof path, "%s/%s", dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	return fd < 0 ? -errno : fd;
}

/* The size first, which leaves a hole where the zeros were: a small file cannot make a full disk. */
static int unpack_data(struct unpacker *u, int fd, uint64_t size, uint64_t n)
{
	static char buffer[CHUNK];

	if (ftruncate(fd, (off_t)size) != 0)
		return -errno;
	for (uint64_t at = 0; at < n;) {
		size_t part = n - at < CHUNK ? (size_t)(n - at) : CHUNK;

		if (unpack_bytes(u, buffer, part) != (long)part)
			return -EBADMSG;
		if (write(fd, buffer, part) != (ssize_t)part)
			return -errno;
		at += part;
	}
	return 0;
}

/* 1: one more; 0: that was all. */
static int unpack_file(struct unpacker *u, const char *dir)
{
	char name[NAME_MAX_ + 1] = "";
	uint64_t h[3];
	long got = unpack_bytes(u, h, sizeof h);
	int fd, rc;

	if (got <= 0)
		return (int)got;
	if (h[0] > NAME_MAX_ || h[1] > FILE_MAX || h[2] > h[1] || unpack_bytes(u, name, h[0]) != (long)h[0] ||
	    !is_safe(name))
		return -EBADMSG;
	fd = make_file(dir, name);
	if (fd < 0)
		return fd == -EEXIST ? -EBADMSG : fd;
	rc = unpack_data(u, fd, h[1], h[2]);
	close(fd);
	return rc ? rc : 1;
}

/* The whole frame or nothing: a file that was cut off in a copy is not taken for a shorter run. */
static int unpack(const char *file, const char *dir)
{
	struct unpacker *u = calloc(1, sizeof *u);
	char line[PACKED_N];
	int rc = u ? 1 : -ENOMEM;

	if (u && !(u->in = fopen(file, "re")))
		rc = -errno;
	if (rc > 0 && (fread(line, 1, PACKED_N, u->in) != PACKED_N || memcmp(line, PACKED, PACKED_N) != 0))
		rc = -EBADMSG;
	if (rc > 0 && !(u->z = ZSTD_createDCtx()))
		rc = -ENOMEM;
	while (rc > 0)
		rc = unpack_file(u, dir);
	if (u && u->in)
		fclose(u->in);
	if (u)
		ZSTD_freeDCtx(u->z);
	free(u);
	return rc;
}

/* ---- lists ---- */

/* The file, or the folder that it was not made of yet. */
static int find(const char *path, char *folder, size_t size, bool *ret_packed)
{
	struct stat st;

	snprintf(folder, size, "%s", path);
	*ret_packed = false;
	if (stat(path, &st) == 0) {
		*ret_packed = !S_ISDIR(st.st_mode);
		return 0;
	}
	snprintf(folder, size, "%s.d", path);
	return stat(folder, &st) == 0 && S_ISDIR(st.st_mode) ? 0 : -ENOENT;
}

/* Unpacked files live as long as the list: readers map them. */
int trace_list_read(struct trace_list *ret, const char *path, char *err, size_t err_size)
{
	char folder[PATH_MAX];
	bool packed;
	int rc = find(path, folder, sizeof folder, &packed);

	*ret = (struct trace_list){0};
	if (rc == 0 && packed) {
		rc = tmpdir_make(folder, sizeof folder, "gosan-trace");
		if (rc == 0) {
			ret->unpacked = strdup(folder);
			ret->guard = tmpdir_guard(folder, tmpdir_remove_tree);
		}
		if (rc == 0)
			rc = unpack(path, folder);
	}
	if (rc == 0)
		rc = read_folder(ret, folder);
	if (rc == 0)
		return 0;
	trace_list_free(ret);
	return say(err, err_size, path, rc);
}

void trace_folder_remove(const char *dir)
{
	struct trace_list l = {0};

	read_folder(&l, dir);
	for (size_t i = 0; i < l.n; i++)
		tmpdir_remove(l.path[i]);
	trace_list_free(&l);
	rmdir(dir);
}

void trace_list_free(struct trace_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->path[i]);
	free(l->path);
	if (l->unpacked) {
		tmpdir_unguard(l->guard);
		/* Also what a damaged file was unpacked to, which may be no recording. */
		tmpdir_remove_tree(l->unpacked);
		free(l->unpacked);
	}
	*l = (struct trace_list){0};
}
