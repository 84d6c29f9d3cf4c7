/* SPDX-License-Identifier: Apache-2.0
 *
 * recmeta.c: the life of a recording: its folder, what meta says of the process, fork, the end. Knows settings and
 * modules; knows no records.
 *
 *      start     folder, page, first lines of meta; then tables; then the flag that lets records through
 *      dlopen    a line for each new module
 *      fork      the child has a folder of its own and tells there what it inherited: who there was, which objects live,
 *                what it holds. The parent's folder is never touched by it: its mappings are replaced by copies.
 *      exec      an end line "exec"; the next program makes folder PID.1
 *      end       what was not checked, and how it ended
 *
 * meta is appended to and never changed, a batch of whole lines at a time: what a killed process leaves is complete but
 * for its last line.
 */
#include "recorder.h"

#include "collect.h"
#include "module.h"
#include "options.h"
#include "recfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MODULES_MAX 1024

static char base[PATH_MAX - 96]; /* of all recordings of this run */
static int arg_count;
static char **args;
static const char *told[MODULES_MAX]; /* paths of modules that meta has */
static size_t n_told;
static char told_lock;

/* ---- lines ---- */

struct lines {
	size_t n;
	char text[4096];
};

/* In one write where it fits: lines of two threads don't mix. */
static void flush(struct lines *l)
{
	if (l->n)
		gosan_recfile_append("meta", l->text, l->n);
	l->n = 0;
}

static void put(struct lines *l, const char *s, size_t n)
{
	for (; n; n--) {
		if (l->n == sizeof(l->text))
			flush(l);
		l->text[l->n++] = *s++;
	}
}

static void word(struct lines *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void word(struct lines *l, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n > 0)
		put(l, text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
}

/* A string of the program's: whatever it holds, it stays on its line. */
static void value(struct lines *l, const char *s)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '\\')
			put(l, "\\\\", 2);
		else if (c < ' ' || c == 0x7f)
			word(l, "\\x%02x", c);
		else
			put(l, s, 1);
	}
	put(l, "\n", 1);
}

static void line(struct lines *l, const char *key, const char *s)
{
	word(l, "%s ", key);
	value(l, s);
}

/* ---- start ---- */

/* A reader needs to know before the first record whether it can expect the whole story. */
static unsigned features(void)
{
	return (gosan_options.trace_accesses ? GOSAN_TRACE_ACCESSES : 0u) |
	       (gosan_options.trace_mb > 0 ? GOSAN_TRACE_RING : 0u);
}

/* argv points into the initial stack, which a program may overwrite later. The names of counters go along, because
 * another version may have others, in another order. */
static void tell_process(void)
{
	struct lines l = {0};
	char path[PATH_MAX];
	long n = syscall(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", path, sizeof(path) - 1);
	const char *options = getenv("GOSAN_OPTIONS");

	word(&l, "gosan-trace %d %u\n", GOSAN_TRACE_VERSION, features());
	word(&l, "pid %ld\nppid %ld\n", syscall(SYS_getpid), syscall(SYS_getppid));
	path[n > 0 ? n : 0] = 0;
	line(&l, "program", path);
	for (int i = 0; i < arg_count; i++)
		line(&l, "arg", args[i]);
	line(&l, "cwd", syscall(SYS_getcwd, path, sizeof(path)) > 0 ? path : "");
	line(&l, "options", options ? options : "");
	word(&l, "clock %s\ncounters", gosan_recfile_tsc ? "tsc" : "ns");
#define X(name, text) word(&l, " " #name);
	GOSAN_COUNTERS(X)
#undef X
	word(&l, "\n");
	flush(&l);
}

/* A failure is told on standard error, since there may be no report in which to say it, and the program runs on as
 * it would have without the setting: its findings do not depend on a recording. */
static bool begin(void)
{
	int rc = gosan_recfile_make(base, (int)syscall(SYS_getpid));
	char text[PATH_MAX];

	if (rc == 0)
		rc = gosan_recfile_share();
	if (rc == 0) {
		gosan_recfile_page->time0 = gosan_recfile_time();
		gosan_recfile_page->ns0 = gosan_recfile_ns();
		tell_process();
		return true;
	}
	snprintf(text, sizeof(text), "gosan: trace=%s: cannot be recorded: %s\n", base, strerror(-rc));
	(void)!syscall(SYS_write, STDERR_FILENO, text, strlen(text));
	return false;
}

/* A packed file is made of the folder beside it, by the tool. */
static void choose_base(void)
{
	const char *path = gosan_options.trace;
	size_t n = strlen(path);
	bool packed = n > 6 && strcmp(path + n - 6, ".gosan") == 0;

	snprintf(base, sizeof(base), "%s%s", path, packed ? ".d" : "");
}

/* Before the engine: the first context is the first record. Tables are reserved as addresses, some gigabytes of
 * them; where these are limited (ulimit -v) there is no recording, and the note says why. */
void gosan_recorder_init(int argc, char **argv)
{
	if (!gosan_options.trace || !*gosan_options.trace)
		return;
	choose_base();
	arg_count = argc;
	args = argv;
	gosan_recfile_clock_init();
	if (!begin())
		return;
	if (!gosan_recorder_open_tables()) {
		gosan_recfile_stop(GOSAN_TRACE_NO_ROOM, ENOMEM);
		return;
	}
	gosan_recorder_memory = gosan_gate.recording = gosan_options.trace_accesses;
	gosan_recorder_on = true;
}

/* The same page for both who want to read them after the process. */
struct gosan_counters *gosan_recorder_counters(const char *link)
{
	struct gosan_counters *c =
		gosan_recorder_on ? gosan_recfile_map("counters", 0, sizeof(struct gosan_counters), NULL)
				  : NULL;
	char path[PATH_MAX];

	if (c && link) {
		gosan_recfile_path("counters", path, sizeof(path));
		syscall(SYS_unlinkat, AT_FDCWD, link, 0);
		(void)!syscall(SYS_symlinkat, path, AT_FDCWD, link);
	}
	return c;
}

/* ---- modules ---- */

/* Paths are kept for ever by module.c, so the pointer is the name. When the table is full, modules are told again
 * with each batch: longer, not wrong. */
static bool is_told(const char *path)
{
	for (size_t i = 0; i < n_told; i++)
		if (told[i] == path)
			return true;
	if (n_told < MODULES_MAX)
		told[n_told++] = path;
	return false;
}

/* At start and after each dlopen, not when a report needs them: a killed process must have named them all. Who
 * comes while another thread is at it has nothing to add but the same list. */
void gosan_recorder_modules(void)
{
	struct lines l = {0};
	size_t n;
	const struct gosan_module *m;

	if (!gosan_recorder_on || __atomic_test_and_set(&told_lock, __ATOMIC_ACQUIRE))
		return;
	m = gosan_module_list(&n);
	for (size_t i = 0; i < n; i++) {
		if (is_told(m[i].path))
			continue;
		word(&l, "module %lx %lx %lx %d %d %s ", (unsigned long)m[i].base, (unsigned long)m[i].start,
		     (unsigned long)m[i].end, (int)m[i].kind,
		     m[i].instrumented | m[i].own_tsan << 1 | m[i].go << 2,
		     m[i].build_id[0] ? m[i].build_id : "-");
		value(&l, m[i].path);
	}
	flush(&l);
	__atomic_clear(&told_lock, __ATOMIC_RELEASE);
}

/* ---- end ---- */

/* What the live run knows of its blind spots: a replay cannot find out. */
void gosan_recorder_not_checked(const char *text)
{
	struct lines l = {0};

	if (!gosan_recorder_on)
		return;
	line(&l, "not-checked", text);
	flush(&l);
}

/* Also when recording ended earlier: how the process ended is still known. After an exec that failed there will be
 * a second line, which counts. */
void gosan_recorder_end(const char *why, int status)
{
	struct lines l = {0};

	if (gosan_recfile_page->magic != GOSAN_TRACE_MAGIC)
		return;
	gosan_recfile_page->time1 = gosan_recfile_time();
	gosan_recfile_page->ns1 = gosan_recfile_ns();
	word(&l, "end %s %d\n", why, status);
	flush(&l);
	gosan_recfile_page->ended = 1;
}

/* The page is the parent's: it is left before anything is written. */
void gosan_recorder_fork_child(void)
{
	static struct gosan_trace_page fresh;
	bool was_on = gosan_recorder_on;

	if (gosan_recfile_page->magic != GOSAN_TRACE_MAGIC)
		return;
	gosan_recorder_on = false;
	memset(&fresh, 0, sizeof(fresh));
	gosan_recfile_page = &fresh;
	n_told = 0;
	told_lock = 0;
	if (!was_on || !begin())
		return;
	gosan_recorder_on = true;
	gosan_recorder_begin_child();
	gosan_recorder_modules();
}
