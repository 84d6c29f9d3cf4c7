/* SPDX-License-Identifier: Apache-2.0
 *
 * stream.c: the JSON-lines writer.
 *
 * Invariants
 *  - The file holds complete lines only, unless the process was killed in the middle of one: when a line
 *    cannot be written whole, the file is cut back to where it began and findings_lost counts it.
 *  - The descriptor is ours only while it names the file that we opened: the program may close all its
 *    descriptors and get our number for something else. So each flush compares the inode, and opens the
 *    file again by its path when it does not fit.
 */
#include "stream.h"

#include "depot.h"
#include "finding.h"
#include "module.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* A usual finding is 3 to 8 KB: it goes out in one write. */
#define BUFFER    32768
#define NAMED_MAX 512
#define HIGH_FD   800 /* out of the way of programs that count on low numbers */

void (*gosan_stream_before_end)(void);
void (*gosan_stream_not_checked)(void (*say)(const char *text));

/* The one stream of this process. Everything but path, fd, id and open is protected by the lock; those change
 * at start, at the end and in a forked child only. */
static struct {
	char path[PATH_MAX];
	int fd; /* valid while open */
	bool open;
	struct stat id;
	char lock;
	bool comma;    /* the next member needs one */
	bool failed;   /* part of this line is lost */
	off_t line_at; /* where the line began */
	size_t used;
	char buffer[BUFFER];
	/* Modules that were named, by address of their table entry's path, which is unique and lasts. */
	const char *named[NAMED_MAX];
	size_t n_named;
} stream;

/* ---- the file ---- */

/* The descriptor still names our file. */
static bool is_ours(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_ino == stream.id.st_ino && st.st_dev == stream.id.st_dev;
}

/* A program may rely on the lowest free number (it closes 0 and opens a file to get 0): ours is far above. */
static int open_high(const char *path, int flags)
{
	static const int lowest[] = {HIGH_FD, 10, 3}; /* a low limit, or a program that has many open */
	long fd = syscall(SYS_openat, AT_FDCWD, path, flags | O_WRONLY | O_APPEND | O_CLOEXEC, 0600),
	     high = -1;

	if (fd < 0)
		return -errno;
	for (size_t i = 0; high < 0 && i < sizeof(lowest) / sizeof(lowest[0]); i++)
		high = syscall(SYS_fcntl, (int)fd, F_DUPFD_CLOEXEC, lowest[i]);
	if (high < 0)
		return (int)fd;
	syscall(SYS_close, (int)fd);
	return (int)high;
}

/* After a program closed everything: the file is found again by its path, if it still is the same file. */
static bool have_fd(void)
{
	if (is_ours(stream.fd))
		return true;
	stream.fd = open_high(stream.path, 0);
	return stream.fd >= 0 && is_ours(stream.fd);
}

/* Signals interrupt writes, and pipes or quotas make them short. */
static bool write_all(const char *p, size_t n)
{
	while (n) {
		long done = syscall(SYS_write, stream.fd, p, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return false;
		p += done;
		n -= (size_t)done;
	}
	return true;
}

void gosan_stream_limit_begin(sigset_t *before)
{
	sigset_t xfsz;

	sigemptyset(&xfsz);
	sigaddset(&xfsz, SIGXFSZ);
	pthread_sigmask(SIG_BLOCK, &xfsz, before);
}

void gosan_stream_limit_end(const sigset_t *before, bool failed)
{
	static const struct timespec now = {0, 0};
	sigset_t xfsz;

	sigemptyset(&xfsz);
	sigaddset(&xfsz, SIGXFSZ);
	if (failed && !sigismember(before, SIGXFSZ))
		sigtimedwait(&xfsz, NULL, &now);
	pthread_sigmask(SIG_SETMASK, before, NULL);
}

/* From the first failure on, the rest of the line is dropped: the line will be cut off as a whole. */
static void flush(void)
{
	sigset_t before;

	if (!stream.failed && stream.used) {
		gosan_stream_limit_begin(&before);
		stream.failed = !(have_fd() && write_all(stream.buffer, stream.used));
		gosan_stream_limit_end(&before, stream.failed);
	}
	stream.used = 0;
}

/* Lines are longer than the buffer at times: what is full goes out, the lock keeps the line in one piece. */
static void put(const char *s, size_t n)
{
	while (n) {
		size_t room = BUFFER - stream.used, part = n < room ? n : room;

		memcpy(stream.buffer + stream.used, s, part);
		stream.used += part;
		s += part;
		n -= part;
		if (stream.used == BUFFER)
			flush();
	}
}

static void puts_raw(const char *s)
{
	put(s, strlen(s));
}

/* A spin lock that yields: held for a line, contended hardly ever, and usable before pthread is. */
static void lock(void)
{
	while (__atomic_test_and_set(&stream.lock, __ATOMIC_ACQUIRE))
		sched_yield();
}

static void unlock(void)
{
	__atomic_clear(&stream.lock, __ATOMIC_RELEASE);
}

void gosan_stream_fork(bool before)
{
	if (before)
		lock();
	else
		unlock();
}

/* ---- JSON ---- */

/* Bytes of the UTF-8 sequence at s, or 0 when it is none: then the byte is written as a code point. */
static size_t utf8(const unsigned char *s)
{
	size_t n = s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;

	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
	    (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

/* Any bytes become valid JSON: what is no UTF-8 is written as the code point of the byte, so that nothing is
 * lost and no reader chokes. */
static void quoted(const char *text)
{
	static const char digit[] = "0123456789abcdef";
	const unsigned char *s = (const unsigned char *)text;
	char escape[] = "\\u0000";

	put("\"", 1);
	while (*s) {
		size_t n = *s < 0x80 ? 1 : utf8(s);

		if (n == 1 && (*s == '"' || *s == '\\'))
			put("\\", 1);
		if (n == 0 || *s < 0x20 || *s == 0x7f) {
			escape[4] = digit[*s >> 4];
			escape[5] = digit[*s & 15];
			put(escape, 6);
			s++;
		} else {
			put((const char *)s, n);
			s += n;
		}
	}
	put("\"", 1);
}

/* Before each member or element: its comma, and its key if it has one. */
static void member(const char *key)
{
	if (stream.comma)
		put(",", 1);
	stream.comma = true;
	if (key) {
		quoted(key);
		put(":", 1);
	}
}

/* NULL is the empty string: a goroutine without a name is no error. */
void gosan_stream_text(const char *key, const char *s)
{
	member(key);
	quoted(s ? s : "");
}

void gosan_stream_uint(const char *key, uint64_t v)
{
	char digits[20];
	size_t n = sizeof(digits);

	member(key);
	do
		digits[--n] = (char)('0' + v % 10);
	while (v /= 10);
	put(digits + n, sizeof(digits) - n);
}

/* Addresses are strings: 64 bits do not fit the numbers of every JSON reader. */
void gosan_stream_hex(const char *key, uintptr_t v)
{
	char digits[16];
	size_t n = sizeof(digits);

	member(key);
	do
		digits[--n] = "0123456789abcdef"[v & 15];
	while (v >>= 4);
	put("\"0x", 3);
	put(digits + n, sizeof(digits) - n);
	put("\"", 1);
}

void gosan_stream_bool(const char *key, bool v)
{
	member(key);
	puts_raw(v ? "true" : "false");
}

/* Nesting needs no stack: after a closing bracket the next member always needs a comma. */
static void open_(const char *key, const char *bracket)
{
	member(key);
	puts_raw(bracket);
	stream.comma = false;
}

static void close_(const char *bracket)
{
	puts_raw(bracket);
	stream.comma = true;
}

void gosan_stream_open_list(const char *key)
{
	open_(key, "[");
}

void gosan_stream_close_list(void)
{
	close_("]");
}

void gosan_stream_open_object(const char *key)
{
	open_(key, "{");
}

void gosan_stream_close_object(void)
{
	close_("}");
}

/* Innermost first, as captured. */
void gosan_stream_stack(const char *key, uint32_t stack)
{
	size_t n;
	const uintptr_t *pcs = gosan_depot_get(stack, &n);

	gosan_stream_open_list(key);
	for (size_t i = 0; i < n; i++)
		gosan_stream_hex(NULL, pcs[i]);
	gosan_stream_close_list();
}

/* ---- lines ---- */

/* Remembers where the line begins, so that it can be taken back. */
bool gosan_stream_begin(const char *record)
{
	lock();
	if (!stream.open) {
		unlock();
		return false;
	}
	stream.used = 0;
	stream.failed = !have_fd();
	stream.line_at = stream.failed ? 0 : (off_t)syscall(SYS_lseek, stream.fd, 0L, SEEK_END);
	stream.comma = false;
	put("{", 1);
	gosan_stream_text("r", record);
	return true;
}

/* O_APPEND: after the cut the next line starts where this one did. */
void gosan_stream_end_line(void)
{
	put("}\n", 2);
	flush();
	if (stream.failed) {
		GOSAN_COUNT(findings_lost);
		if (is_ours(stream.fd))
			(void)!ftruncate(stream.fd, stream.line_at);
	}
	unlock();
}

/* True once per module and stream. A table that is full names modules again: longer, not wrong. */
static bool name_once(const char *path)
{
	bool fresh = true;

	lock();
	for (size_t i = 0; fresh && i < stream.n_named; i++)
		fresh = stream.named[i] != path;
	if (fresh && stream.n_named < NAMED_MAX)
		stream.named[stream.n_named++] = path;
	unlock();
	return fresh;
}

/* The look-up may read the linker's list, whose lock is a leaf: dlopen holds it only to change the list. */
static void module_line(const struct gosan_module *m)
{
	if (!stream.open || !name_once(m->path) || !gosan_stream_begin("module"))
		return;
	gosan_stream_text("path", m->path);
	gosan_stream_hex("base", m->base);
	gosan_stream_hex("start", m->start);
	gosan_stream_hex("end", m->end);
	gosan_stream_text("build_id", m->build_id);
	gosan_stream_bool("instrumented", m->instrumented);
	if (m->own_tsan)
		gosan_stream_bool("own_tsan", true);
	if (m->go)
		gosan_stream_bool("go", true);
	gosan_stream_end_line();
}

void gosan_stream_module_of(uintptr_t addr)
{
	const struct gosan_module *m = addr ? gosan_module_find(addr) : NULL;

	if (m)
		module_line(m);
}

/* Frames of one stack lie in few modules: name_once makes all but the first look-up cheap. */
void gosan_stream_modules(uint32_t stack)
{
	size_t n;
	const uintptr_t *pcs = gosan_depot_get(stack, &n);

	for (size_t i = 0; i < n; i++)
		gosan_stream_module_of(pcs[i]);
}

/* ---- start and end ---- */

/* An existing file is continued: the process before an exec wrote it. The old stream must be closed. */
int gosan_stream_open(const char *path)
{
	int fd = open_high(path, O_CREAT);

	if (fd < 0)
		return fd;
	if (strlen(path) >= sizeof(stream.path) || fstat(fd, &stream.id) != 0) {
		syscall(SYS_close, fd);
		return -EINVAL;
	}
	memcpy(stream.path, path, strlen(path) + 1);
	stream.fd = fd;
	stream.n_named = 0;
	stream.open = true;
	return 0;
}

bool gosan_stream_is_open(void)
{
	return stream.open;
}

/* In a forked child the descriptor is a copy: closing it leaves the parent's alone. */
void gosan_stream_close(void)
{
	if (stream.open && is_ours(stream.fd))
		syscall(SYS_close, stream.fd);
	stream.open = false;
}

/* Others count on while we read: each number is right for some moment of the last microsecond. */
static void write_counters(void)
{
	gosan_stream_open_object("counters");
#define X(name, text) gosan_stream_uint(#name, __atomic_load_n(&gosan_counters->name, __ATOMIC_RELAXED));
	GOSAN_COUNTERS(X)
#undef X
	gosan_stream_close_object();
}

static void say_not_checked(const char *text)
{
	gosan_stream_text(NULL, text);
}

/* Modules are told when a stack names them. Those whose accesses were not seen are never in a stack, and the verdict
 * depends on them. */
static void write_unseen_modules(void)
{
	size_t n;
	const struct gosan_module *m = gosan_module_list(&n);

	for (size_t i = 0; i < n; i++)
		if (m[i].own_tsan || m[i].go)
			module_line(&m[i]);
}

/* Repetitions first: the end line is the last one. */
static void write_end(const char *why, int status)
{
	write_unseen_modules();
	if (gosan_stream_before_end)
		gosan_stream_before_end();
	if (!gosan_stream_begin("end"))
		return;
	gosan_stream_text("why", why);
	gosan_stream_uint("status", (uint64_t)(status < 0 ? 0 : status));
	write_counters();
	gosan_stream_open_list("not_checked");
	if (gosan_stream_not_checked)
		gosan_stream_not_checked(say_not_checked);
	gosan_stream_close_list();
	gosan_stream_end_line();
}

void gosan_stream_end(enum gosan_end why, int status)
{
	static const char *const texts[] = {[GOSAN_END_EXIT] = "exit",
					    [GOSAN_END_STALL] = "stall",
					    [GOSAN_END_TIMEOUT] = "timeout",
					    [GOSAN_END_CRASH] = "crash"};

	write_end(texts[why], status);
}

/* Status 0: the program has not ended, it has become another one. */
void gosan_stream_end_exec(void)
{
	write_end("exec", 0);
}
