/* SPDX-License-Identifier: Apache-2.0
 *
 * std.c: lines to events.
 *
 * The buffer holds the text from `at` to `end`; what is before `at` was read. A line is always whole in it: before the
 * next one is looked at, the rest is moved to the front and filled up. So the buffer's size is the longest line.
 *
 * Names become numbers by one hash table for each kind, with open addressing; an entry keeps the hash, so that nearly
 * every look-up compares one name. That is most of the time that reading takes.
 */
#include "std.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

/* Of the buffer: large enough that reading it costs little, small enough for the cache. */
#define ROOM ((size_t)1 << 20)
/* Names that a table has room for twice, at first. */
#define FIRST_FEW 64u

/* A place of the table. */
struct entry {
	uint64_t hash;   /* of the whole name */
	uint32_t number; /* + 1; 0: free */
};

/* The names of one kind. */
struct names {
	struct entry *table; /* [room]: a power of two, at most half full */
	uint32_t room, n;
	const char **text; /* [n] */
};

struct std {
	struct arena *a;
	const char *path; /* for messages */
	int fd;
	bool last;    /* nothing comes after what is in the buffer */
	char *buffer; /* [ROOM] */
	size_t at, end;
	uint64_t line; /* of the last event, from 1 */
	struct names names[STD_KINDS];
};

static const struct {
	const char *text;
	size_t length;
	enum std_kind kind;
} ops[] = {
	[STD_READ] = {"r", 1, STD_VARIABLE},  [STD_WRITE] = {"w", 1, STD_VARIABLE},
	[STD_ACQUIRE] = {"acq", 3, STD_LOCK}, [STD_RELEASE] = {"rel", 3, STD_LOCK},
	[STD_FORK] = {"fork", 4, STD_THREAD}, [STD_JOIN] = {"join", 4, STD_THREAD},
	[STD_BEGIN] = {"begin", 5, 0},        [STD_END] = {"end", 3, 0},
};

const char *std_op_name(enum std_op op)
{
	return ops[op].text;
}

/* --- Names ------------------------------------------------------------------------------------------------ */

/* Where hash is or belongs. Equal hashes of different names are possible, and then one of them goes on to the next place;
 * the text decides. */
static struct entry *slot(const struct names *t, uint64_t hash, const char *s, size_t n)
{
	for (uint64_t i = hash;; i++) {
		struct entry *e = &t->table[i & (t->room - 1)];

		if (!e->number)
			return e;
		const char *text = e->hash == hash ? t->text[e->number - 1] : NULL;
		if (text && strncmp(text, s, n) == 0 && !text[n])
			return e;
	}
}

/* Entries of the old table are all different, so no text is compared. */
static void grow(struct names *t)
{
	struct names old = *t;

	t->room = old.room ? old.room * 2 : FIRST_FEW;
	t->table = calloc(t->room, sizeof *t->table);
	if (!t->table)
		abort(); /* as the arena does */
	for (uint32_t i = 0; i < old.room; i++) {
		uint64_t at = old.table[i].hash;

		while (old.table[i].number && t->table[at & (t->room - 1)].number)
			at++;
		if (old.table[i].number)
			t->table[at & (t->room - 1)] = old.table[i];
	}
	free(old.table);
}

/* The number of a name, a new one at its first appearance. The text in the buffer is about to be overwritten, so a new
 * name is copied. */
static uint32_t number(struct std *s, enum std_kind kind, const char *text, size_t n)
{
	struct names *t = &s->names[kind];
	uint64_t hash = XXH3_64bits(text, n);

	if (t->n >= t->room / 2)
		grow(t);
	struct entry *e = slot(t, hash, text, n);
	if (!e->number) {
		t->text = arena_grow(s->a, t->text, t->n, sizeof *t->text);
		t->text[t->n++] = arena_strndup(s->a, text, n);
		*e = (struct entry){hash, t->n};
	}
	return e->number - 1;
}

uint32_t std_count(const struct std *s, enum std_kind kind)
{
	return s->names[kind].n;
}

const char *std_name(const struct std *s, enum std_kind kind, uint32_t n)
{
	return s->names[kind].text[n];
}

/* --- Lines ------------------------------------------------------------------------------------------------ */

/* Every refusal names the line and shows what was expected: such files are made by scripts, and read by people when
 * the script was wrong. */
static int bad(const struct std *s, const char *what, char *err, size_t err_size)
{
	snprintf(err, err_size, "%s:%llu: %s: a line is THREAD|OP(OPERAND)|LOCATION, as in T1|w(x)|12",
		 s->path, (unsigned long long)s->line, what);
	return -EBADMSG;
}

/* A number as Java has it: a sign, digits, 32 bits. The whole of it or nothing. */
static bool location(const char *s, const char *end, int32_t *ret)
{
	bool minus = s < end && *s == '-';
	int64_t v = 0;

	if (s < end && (*s == '-' || *s == '+'))
		s++;
	if (s == end || end - s > 12)
		return false;
	for (; s < end; s++) {
		if (*s < '0' || *s > '9')
			return false;
		v = v * 10 + (*s - '0');
	}
	v = minus ? -v : v;
	*ret = (int32_t)v;
	return v >= INT32_MIN && v <= INT32_MAX;
}

/* RAPID's operand is a row of characters without blanks. */
static bool has_blank(const char *s, const char *end)
{
	for (; s < end; s++)
		if ((unsigned char)*s <= ' ')
			return true;
	return false;
}

/* s to end is "acq(l)": its operand may hold parentheses, and ends with the last character. */
static bool operation(struct std *s, const char *text, const char *end, struct std_event *ret)
{
	size_t n = (size_t)(end - text);

	for (unsigned i = 0; i < sizeof ops / sizeof *ops; i++) {
		size_t m = ops[i].length;

		if (n < m || memcmp(text, ops[i].text, m) != 0)
			continue;
		ret->op = (enum std_op)i;
		if (i == STD_BEGIN || i == STD_END) {
			ret->operand = 0;
			return true;
		}
		if (n < m + 3 || text[m] != '(' || end[-1] != ')' || has_blank(text + m + 1, end - 1))
			continue;
		ret->operand = number(s, ops[i].kind, text + m + 1, n - m - 2);
		return true;
	}
	return false;
}

/* Exactly two bars. The name of the thread is taken before the operation is understood, which costs a number in a file
 * that is refused anyway. A NUL would end the name early wherever it is printed. */
static int event(struct std *s, const char *text, const char *end, struct std_event *ret, char *err,
		 size_t size)
{
	const char *bar = memchr(text, '|', (size_t)(end - text));
	const char *bar2 = bar ? memchr(bar + 1, '|', (size_t)(end - bar - 1)) : NULL;

	if (!bar2 || bar == text || memchr(bar2 + 1, '|', (size_t)(end - bar2 - 1)))
		return bad(s, "no event", err, size);
	if (memchr(text, '\0', (size_t)(end - text)))
		return bad(s, "no text", err, size);
	if (!location(bar2 + 1, end, &ret->loc))
		return bad(s, "the location is no number of 32 bits", err, size);
	ret->line = s->line;
	ret->thread = number(s, STD_THREAD, text, (size_t)(bar - text));
	return operation(s, bar + 1, bar2, ret) ? 1 : bad(s, "unknown operation", err, size);
}

/* Move the rest to the front, read until there is a line end or no room. */
static int fill(struct std *s, char *err, size_t err_size)
{
	memmove(s->buffer, s->buffer + s->at, s->end - s->at);
	s->end -= s->at;
	s->at = 0;
	while (!s->last && s->end < ROOM) {
		ssize_t n = read(s->fd, s->buffer + s->end, ROOM - s->end);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			snprintf(err, err_size, "%s: %s", s->path, strerror(errno));
			return -EIO;
		}
		s->last = n == 0;
		if (n > 0 && memchr(s->buffer + s->end, '\n', (size_t)n)) {
			s->end += (size_t)n;
			break;
		}
		s->end += (size_t)n;
	}
	return 0;
}

/* Are only line ends left? Then the file ends here. */
static bool only_blank(struct std *s, char *err, size_t err_size)
{
	for (;;) {
		while (s->at < s->end && strchr("\r\n", s->buffer[s->at]))
			s->at++;
		if (s->at < s->end)
			return false;
		if (s->last || fill(s, err, err_size) != 0)
			return true;
	}
}

/* The last line needs no line end. A line that fills the whole buffer is refused: no event is that long, and what is not
 * text at all shall not be searched for its end for ever. */
int std_next(struct std *s, struct std_event *ret, char *err, size_t err_size)
{
	char *text = s->buffer + s->at, *end = memchr(text, '\n', s->end - s->at);
	int error = 0;

	if (!end && !s->last) {
		error = fill(s, err, err_size);
		if (error)
			return error;
		text = s->buffer;
		end = memchr(text, '\n', s->end);
	}
	s->line++;
	if (!end && s->end - s->at == ROOM)
		return bad(s, "longer than a MiB", err, err_size);
	if (!end)
		end = s->buffer + s->end;
	if (text == s->buffer + s->end)
		return 0;
	s->at += (size_t)(end - text) + (end < s->buffer + s->end);
	if (end > text && end[-1] == '\r')
		end--;
	if (end == text)
		return only_blank(s, err, err_size) ? 0 : bad(s, "an empty line", err, err_size);
	return event(s, text, end, ret, err, err_size);
}

/* --- Files ------------------------------------------------------------------------------------------------ */

/* Standard input gets a descriptor of its own, so that close means the same for both. */
int std_open(struct std **ret, struct arena *a, const char *path, char *err, size_t err_size)
{
	int fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
	int error = -errno;
	char *buffer = fd >= 0 ? malloc(ROOM) : NULL;

	if (!buffer) {
		error = fd >= 0 ? -ENOMEM : error;
		snprintf(err, err_size, "%s: %s", path, strerror(-error));
		if (fd >= 0)
			close(fd);
		return error;
	}
	*ret = arena_alloc(a, sizeof **ret);
	(*ret)->a = a;
	(*ret)->path = strcmp(path, "-") == 0 ? "standard input" : arena_strdup(a, path);
	(*ret)->fd = fd;
	(*ret)->buffer = buffer;
	return 0;
}

/* Names stay: they are the arena's. */
void std_close(struct std *s)
{
	for (unsigned i = 0; i < STD_KINDS; i++)
		free(s->names[i].table);
	free(s->buffer);
	close(s->fd);
}
