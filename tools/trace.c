/* SPDX-License-Identifier: Apache-2.0
 *
 * trace.c: the files of one process' recording: meta, page, tables, streams. trace_read.c puts the records in order.
 *
 * Nothing is copied but meta and the page: tables are looked at where they lie, streams are read from their mappings. So a
 * recording of gigabytes opens at once, and its reading is limited by the disk.
 *
 * A recording may be one that is still being made, or that a crash, a full disk or a copy has damaged. Without meta and
 * page it is none; everything else may be missing.
 */
#include "trace_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define META_MAX  ((size_t)16 << 20)
#define KNOWN     ((unsigned)(GOSAN_TRACE_ACCESSES | GOSAN_TRACE_RING))
#define STACK_MAX 64u

static int refuse(char *err, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static int refuse(char *err, size_t size, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err, size, fmt, ap);
	va_end(ap);
	return -EBADMSG;
}

/* ---- files ---- */

/* A file that is not there, or empty, has no bytes. */
static struct trace_file map_file(const char *dir, const char *name)
{
	struct trace_file f = {NULL, 0};
	char path[PATH_MAX];
	struct stat st;
	void *p = MAP_FAILED;
	int fd;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return f;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0)
		p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (p != MAP_FAILED)
		f = (struct trace_file){p, (size_t)st.st_size};
	return f;
}

/* Streams of a live process may grow meanwhile; what was mapped stays what it is. */
static void unmap_file(const struct trace_file *f)
{
	if (f->base)
		munmap((void *)(uintptr_t)f->base, f->size);
}

/* ---- meta ---- */

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Undo the escapes, in place. */
static char *unescape(char *s)
{
	char *to = s;

	for (char *p = s; *p; p++) {
		if (p[0] == '\\' && p[1] == '\\') {
			*to++ = *p++;
		} else if (p[0] == '\\' && p[1] == 'x' && p[2] && hex(p[2]) >= 0 && hex(p[3]) >= 0) {
			*to++ = (char)(hex(p[2]) << 4 | hex(p[3]));
			p += 3;
		} else {
			*to++ = *p;
		}
	}
	*to = 0;
	return s;
}

static void add_string(struct trace *t, const char ***list, size_t *n, char *s)
{
	*list = arena_grow(t->arena, *list, *n, sizeof **list);
	(*list)[(*n)++] = unescape(s);
}

/* A line that lacks something names no module; its frames will be addresses. */
static void add_module(struct trace *t, char *s)
{
	struct trace_module *m =
		arena_grow(t->arena, (void *)(uintptr_t)t->info.modules, t->info.n_modules, sizeof *m);
	unsigned flags = 0;
	char id[64] = "";
	int at = 0;

	t->info.modules = m;
	m += t->info.n_modules;
	*m = (struct trace_module){0};
	if (sscanf(s, "%lx %lx %lx %d %u %63s %n", &m->base, &m->start, &m->end, &m->kind, &flags, id, &at) <
		    6 ||
	    !at)
		return;
	m->instrumented = flags & 1;
	m->own_tsan = flags & 2;
	m->go = flags & 4;
	m->build_id = strcmp(id, "-") == 0 ? "" : arena_strdup(t->arena, id);
	m->path = unescape(s + at);
	t->info.n_modules++;
}

/* The last one counts: after an exec that failed the program went on. */
static void end_line(struct trace_info *info, const char *s)
{
	static const char *const words[] = {"exit", "stall", "timeout", "crash"};
	char why[16] = "";

	if (sscanf(s, "%15s %d", why, &info->status) < 1)
		return;
	info->ended = true;
	info->by_exec = strcmp(why, "exec") == 0;
	for (int i = 0; i < 4; i++)
		if (strcmp(why, words[i]) == 0)
			info->end = i;
}

/* Counters by name: another version may have others. */
static void read_counters(struct trace *t, const struct trace_file *f, char *names)
{
	static const struct {
		const char *name;
		size_t at;
	} known[] = {
#define X(name, text) {#name, offsetof(struct gosan_counters, name)},
		GOSAN_COUNTERS(X)
#undef X
	};
	size_t at = 0;

	for (char *save, *w = strtok_r(names, " ", &save); w; w = strtok_r(NULL, " ", &save), at += 8)
		for (size_t i = 0; i < sizeof known / sizeof *known && at + 8 <= f->size; i++)
			if (strcmp(known[i].name, w) == 0)
				memcpy((char *)&t->info.counters + known[i].at, f->base + at, 8);
}

/* Unknown keys are of later versions, and skipped. */
static void meta_line(struct trace *t, const struct trace_file *counters, char *key, char *s)
{
	struct trace_info *i = &t->info;

	if (strcmp(key, "pid") == 0)
		i->pid = (pid_t)strtol(s, NULL, 10);
	else if (strcmp(key, "ppid") == 0)
		i->ppid = (pid_t)strtol(s, NULL, 10);
	else if (strcmp(key, "program") == 0)
		i->program = unescape(s);
	else if (strcmp(key, "cwd") == 0)
		i->cwd = unescape(s);
	else if (strcmp(key, "options") == 0)
		i->options = unescape(s);
	else if (strcmp(key, "arg") == 0)
		add_string(t, &i->argv, &i->n_argv, s);
	else if (strcmp(key, "note") == 0)
		add_string(t, &i->notes, &i->n_notes, s);
	else if (strcmp(key, "not-checked") == 0)
		add_string(t, &i->not_checked, &i->n_not_checked, s);
	else if (strcmp(key, "module") == 0)
		add_module(t, s);
	else if (strcmp(key, "counters") == 0)
		read_counters(t, counters, s);
	else if (strcmp(key, "end") == 0)
		end_line(i, s);
	else if (strcmp(key, "killed") == 0)
		i->status = (int)(strtoul(s, NULL, 10) & 0xff);
}

/* The first line, which decides. */
static int check_version(struct trace *t, const char *line, const char *dir, char *err, size_t err_size)
{
	int version = 0;
	unsigned features = 0;

	if (sscanf(line, "gosan-trace %d %u", &version, &features) != 2)
		return refuse(err, err_size, "%s: this is not a recording of gosan", dir);
	if (version != GOSAN_TRACE_VERSION || features & ~KNOWN)
		return refuse(err, err_size,
			      "%s: a recording of another version of gosan (format %d, features %u; this one "
			      "reads format "
			      "%d)",
			      dir, version, features, GOSAN_TRACE_VERSION);
	t->info.features = features;
	return 0;
}

/* A last line without its end is one that was being written. */
static int read_meta(struct trace *t, const char *dir, char *err, size_t err_size)
{
	struct trace_file f = map_file(dir, "meta"), counters = map_file(dir, "counters");
	char *text = arena_strndup(t->arena, f.size ? (const char *)f.base : "",
				   f.size < META_MAX ? f.size : META_MAX);
	char *line = text, *next;
	int rc = -EBADMSG;

	for (bool first = true; (next = strchr(line, '\n')) != NULL; line = next + 1, first = false) {
		char *space = strchr(line, ' ');

		*next = 0;
		if (first) {
			rc = check_version(t, line, dir, err, err_size);
			if (rc != 0)
				break;
		} else if (space && space < next) {
			*space = 0;
			meta_line(t, &counters, line, space + 1);
		}
	}
	if (line == text && !*err)
		refuse(err, err_size, "%s: this is not a recording of gosan", dir);
	unmap_file(&f);
	unmap_file(&counters);
	return rc;
}

/* ---- page and tables ---- */

/* A copy, because a live process writes on. Two readings of both clocks that are far apart give the length of a
 * unit; when it died at once, a unit is taken for a nanosecond. */
static int read_page(struct trace *t, const char *dir, char *err, size_t err_size)
{
	struct trace_file f = map_file(dir, "page");
	bool ok = f.size >= sizeof t->page;
	double units, ns;

	if (ok)
		memcpy(&t->page, f.base, sizeof t->page);
	unmap_file(&f);
	if (!ok || t->page.magic != GOSAN_TRACE_MAGIC || t->page.version != GOSAN_TRACE_VERSION)
		return refuse(err, err_size, "%s: the recording is damaged: its page cannot be read", dir);
	units = (double)(t->page.time1 - t->page.time0);
	ns = (double)(t->page.ns1 - t->page.ns0);
	t->ns_per_unit = t->page.time1 > t->page.time0 && t->page.ns1 > t->page.ns0 ? ns / units : 1;
	t->info.page = &t->page;
	t->info.start_ns = t->page.ns0;
	return 0;
}

/* Rows beyond the file, and a row that is cut, are not there. */
static void open_table(const char *dir, const char *name, size_t row, struct trace_file *ret,
		       size_t *ret_rows)
{
	*ret = map_file(dir, name);
	*ret_rows = ret->size / row;
}

/* Where each stack begins. One whose count is 0, or whose bytes end early, is the last. */
static void index_stacks(struct trace *t)
{
	const uint8_t *p = t->stacks.base, *end = p ? p + t->stacks.size : NULL;

	t->stack_at = arena_grow(t->arena, NULL, 0, sizeof *t->stack_at);
	t->n_stacks = 0;
	while (p && p < end && *p && *p <= STACK_MAX) {
		uint64_t at = (uint64_t)(p - t->stacks.base);
		unsigned left = *p++;

		while (left && p < end)
			left -= !(*p++ & 0x80);
		if (left)
			break;
		t->stack_at = arena_grow(t->arena, t->stack_at, t->n_stacks, sizeof *t->stack_at);
		t->stack_at[t->n_stacks++] = at;
	}
}

/* ---- streams ---- */

static const struct gosan_trace_segment *header_of(const uint8_t *segment)
{
	return (const void *)segment;
}

static int by_number(const void *a, const void *b)
{
	const struct gosan_trace_segment *x = header_of(*(const uint8_t *const *)a),
					 *y = header_of(*(const uint8_t *const *)b);

	return x->number < y->number ? -1 : x->number > y->number;
}

static int by_no(const void *a, const void *b)
{
	const struct trace_stream *x = a, *y = b;

	return x->no < y->no ? -1 : x->no > y->no;
}

/* Segments that are none (not begun yet, or being emptied) are left out. What comes after a missing one is not what came
 * next: it is left out as well, but in a ring, where the older part is given up instead. */
static void open_stream(struct trace *t, const char *dir, unsigned no)
{
	struct trace_stream *s;
	size_t n, kept = 1;
	char name[32];

	t->streams = arena_grow(t->arena, t->streams, t->n_streams, sizeof *s);
	s = &t->streams[t->n_streams];
	snprintf(name, sizeof name, "stream.%u", no);
	*s = (struct trace_stream){.no = no, .file = map_file(dir, name)};
	n = s->file.size / GOSAN_TRACE_SEGMENT;
	if (!n) {
		unmap_file(&s->file);
		return;
	}
	t->n_streams++;
	s->segments = arena_alloc(t->arena, n * sizeof(*s->segments));
	for (size_t i = 0; i < n; i++) {
		const struct gosan_trace_segment *h = header_of(s->file.base + i * GOSAN_TRACE_SEGMENT);

		if (h->magic == GOSAN_TRACE_MAGIC && h->stream == no)
			s->segments[s->n_segments++] = (const void *)h;
	}
	if (!s->n_segments)
		return;
	qsort(s->segments, s->n_segments, sizeof *s->segments, by_number);
	while (kept < s->n_segments &&
	       header_of(s->segments[kept])->number == header_of(s->segments[kept - 1])->number + 1)
		kept++;
	if (kept < s->n_segments && t->info.features & GOSAN_TRACE_RING) {
		s->segments += kept;
		s->n_segments -= kept;
	} else {
		s->n_segments = kept;
	}
}

/* By their files, not by the page's number: who died between the two has made one more. */
static int open_streams(struct trace *t, const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	if (!d)
		return -errno;
	while ((e = readdir(d)) != NULL) {
		unsigned no;
		char rest;

		if (sscanf(e->d_name, "stream.%u%c", &no, &rest) == 1)
			open_stream(t, dir, no);
	}
	closedir(d);
	if (t->n_streams)
		qsort(t->streams, t->n_streams, sizeof *t->streams, by_no);
	return 0;
}

/* ---- open and close ---- */

/* Meta and page decide whether it is a recording; tables may be missing, when nothing was in them yet. */
static int open_in(struct trace *t, const char *dir, char *err, size_t err_size)
{
	int rc;

	*err = 0;
	rc = read_meta(t, dir, err, err_size);
	if (rc == 0)
		rc = trace_check_sums(t, dir, err, err_size);
	if (rc == 0)
		rc = read_page(t, dir, err, err_size);
	if (rc != 0)
		return rc;
	open_table(dir, "actors", sizeof(struct gosan_trace_actor), &t->actors, &t->n_actors);
	open_table(dir, "objects", sizeof(struct gosan_trace_object), &t->objects, &t->n_objects);
	open_table(dir, "contexts", sizeof(struct gosan_trace_context), &t->contexts, &t->n_contexts);
	t->stacks = map_file(dir, "stacks");
	index_stacks(t);
	rc = open_streams(t, dir);
	if (rc != 0)
		snprintf(err, err_size, "%s: %s", dir, strerror(-rc));
	return rc;
}

/* Whatever was opened before a failure is given back by the same function as after success. */
int trace_open(struct trace **ret, const char *process, char *err, size_t err_size)
{
	struct arena *a = arena_new();
	struct trace *t = arena_alloc(a, sizeof *t);
	int rc;

	*t = (struct trace){.arena = a, .info = {.program = "", .cwd = "", .options = ""}};
	rc = open_in(t, process, err, err_size);
	if (rc != 0) {
		trace_close(t);
		return rc;
	}
	trace_read_begin(t);
	*ret = t;
	return 0;
}

void trace_close(struct trace *t)
{
	if (!t)
		return;
	unmap_file(&t->actors);
	unmap_file(&t->objects);
	unmap_file(&t->contexts);
	unmap_file(&t->stacks);
	for (size_t i = 0; i < t->n_streams; i++)
		unmap_file(&t->streams[i].file);
	arena_free(t->arena);
}

/* ---- rows ---- */

const struct trace_info *trace_info(const struct trace *t)
{
	return &t->info;
}

/* A row that is not filled is of somebody who was about to be born. */
const struct gosan_trace_actor *trace_actor(const struct trace *t, uint32_t number)
{
	const struct gosan_trace_actor *a = (const void *)t->actors.base;

	return number && number < t->n_actors && a[number].flags & GOSAN_TRACE_KNOWN ? &a[number] : NULL;
}

size_t trace_actor_room(const struct trace *t)
{
	return t->n_actors;
}

/* No object lies at address 0. */
const struct gosan_trace_object *trace_object(const struct trace *t, uint32_t id)
{
	const struct gosan_trace_object *o = (const void *)t->objects.base;

	return id && id < t->n_objects && o[id].addr ? &o[id] : NULL;
}

/* Some dozens at most, asked for reports and dumps only. */
const struct trace_module *trace_module(const struct trace *t, uint64_t addr)
{
	for (size_t i = 0; i < t->info.n_modules; i++)
		if (addr >= t->info.modules[i].start && addr < t->info.modules[i].end)
			return &t->info.modules[i];
	return NULL;
}

const struct gosan_trace_context *trace_context(const struct trace *t, uint32_t id)
{
	const struct gosan_trace_context *c = (const void *)t->contexts.base;

	return id < t->n_contexts ? &c[id] : NULL;
}

#define LOCKED    (UINT64_C(1) << 63)
#define LOCK_ROOT 1u

/* Frames of the detector and the runtime are nobody's business; a path cannot be longer than the tree. */
size_t trace_place(const struct trace *t, uint32_t place, uintptr_t *ret, size_t max)
{
	const struct gosan_trace_context *c = trace_context(t, place);
	size_t n = 0;

	if (c && c->pc & LOCKED) {
		place = c->parent;
		c = trace_context(t, place);
	}
	for (; c && place > LOCK_ROOT && n < max && n < STACK_MAX;
	     place = c->parent, c = trace_context(t, place)) {
		const struct trace_module *m = trace_module(t, c->pc);

		if (!m || m->kind != 3)
			ret[n++] = c->pc;
		if (c->parent >= place)
			break;
	}
	return n;
}

bool trace_has_stack(const struct trace *t, uint32_t id)
{
	return id && id <= t->n_stacks;
}

/* index_stacks has seen that all bytes of it are there. */
size_t trace_stack(const struct trace *t, uint32_t id, uintptr_t *ret, size_t max)
{
	const uint8_t *p;
	uint64_t pc = 0;
	size_t n;

	if (id & UINT32_C(0x80000000))
		return trace_place(t, id & 0x7fffffffu, ret, max);
	if (!id || id > t->n_stacks)
		return 0;
	p = t->stacks.base + t->stack_at[id - 1];
	n = *p++;
	for (size_t i = 0; i < n; i++) {
		uint64_t z = 0;

		for (unsigned shift = 0; shift < 70; shift += 7) {
			z |= shift < 64 ? (uint64_t)(*p & 0x7f) << shift : 0;
			if (!(*p++ & 0x80))
				break;
		}
		pc += z >> 1 ^ (0 - (z & 1));
		if (i < max)
			ret[i] = pc;
	}
	return n < max ? n : max;
}

const char *trace_op_text(unsigned op)
{
	static const char *const texts[GOSAN_TRACE_OTHERS] = {
#define X(name, text, fields) text,
#include "trace.def"
#undef X
	};
	static const char *const events[GOSAN_EV_COUNT] = {
#define X(name, text, effect) text,
#include "event.def"
#undef X
	};

	if (op >= GOSAN_TRACE_EVENT)
		return op - GOSAN_TRACE_EVENT < GOSAN_EV_COUNT ? events[op - GOSAN_TRACE_EVENT] : "?";
	return op < GOSAN_TRACE_OTHERS ? texts[op] : "?";
}
