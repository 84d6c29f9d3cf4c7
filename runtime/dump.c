/* SPDX-License-Identifier: Apache-2.0
 *
 * dump.c: all goroutines in text, in the form that Go programmers know:
 *
 *     goroutine 7 [chan receive, 3 minutes] name:
 *     worker(...)
 *             prog+0x11e3 +0x1f
 *     created by goroutine 1 at file.c:12
 *
 * Goroutines that wait for the same reason at the same place, and were started by the same statement, share one
 * stack: their head lines follow each other, so that each goroutine has one, whoever counts them.
 *
 * Nothing stops meanwhile: a goroutine that runs on another thread has no readable stack, and one that
 * goes on while its stack is read prints some stale frames. Allocates nothing, writes without stdio.
 */
#include "scheduler.h"
#include "sys.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Also in signal handlers: one buffer, one write. */
void go__print(int fd, const char *fmt, ...)
{
	char buf[1024];
	va_list args;
	va_start(args, fmt);
	int n = vsnprintf(buf, sizeof(buf), fmt, args);
	va_end(args);
	if (n < 0)
		return;
	size_t len = (size_t)n < sizeof(buf) ? (size_t)n : sizeof(buf) - 1;
	for (size_t at = 0; at < len;) {
		ssize_t put = write(fd, buf + at, len - at);
		if (put < 0 && errno != EINTR)
			return;
		at += put < 0 ? 0 : (size_t)put;
	}
}

/* Go's own words where Go has them, since tools and eyes look for them. */
static const char *why_text(enum go_wait why)
{
	static const char *const text[] = {
		[GO_WAIT_NONE] = "waiting",
		[GO_WAIT_CHAN_SEND] = "chan send",
		[GO_WAIT_CHAN_RECV] = "chan receive",
		[GO_WAIT_SELECT] = "select",
		[GO_WAIT_NIL_CHAN] = "chan operation (nil chan)",
		[GO_WAIT_NO_CASES] = "select (no cases)",
		[GO_WAIT_MUTEX] = "sync.Mutex.Lock",
		[GO_WAIT_RLOCK] = "sync.RWMutex.RLock",
		[GO_WAIT_WLOCK] = "sync.RWMutex.Lock",
		[GO_WAIT_WAITGROUP] = "sync.WaitGroup.Wait",
		[GO_WAIT_COND] = "sync.Cond.Wait",
		[GO_WAIT_ONCE] = "sync.Once.Do",
		[GO_WAIT_SLEEP] = "sleep",
		[GO_WAIT_IO] = "IO wait",
		[GO_WAIT_BLOCKING] = "blocking call",
		[GO_WAIT_SIGNAL] = "signal",
	};
	return (size_t)why < sizeof(text) / sizeof(text[0]) ? text[why] : "waiting";
}

static const char *state_text(const struct go_g *g, uint32_t status)
{
	switch ((enum go__status)status) {
	case GO__RUNNABLE:
		return "runnable";
	case GO__WAITING:
		return why_text(g->why);
	case GO__RUNNING:
	case GO__FREE:
	case GO__DEAD:
		break;
	}
	return "running";
}

/* Goroutines that look alike. The table has room for GROUPS kinds; what comes after them is told one by one. */
#define GROUPS 1024
#define DEPTH  32  /* frames that are compared */
#define HEADS  256 /* head lines of a group; of more, the number is told */
struct group {
	uint64_t key; /* 0: free */
	struct go_g *first;
	uint32_t status;
	size_t n;
	struct {
		uint64_t id;
		int64_t since;
	} heads[HEADS];
};

/* Whole minutes only, as in Go: what waits for less is hardly stuck. */
static void print_head(int fd, const struct go_g *g, uint32_t status, uint64_t id, int64_t from)
{
	char since[40] = "";
	int64_t minutes = status == GO__WAITING ? (go_now() - from) / (60 * GO_SEC) : 0;
	if (minutes >= 1)
		snprintf(since, sizeof(since), ", %lld minutes", (long long)minutes);
	go__print(fd, "goroutine %llu [%s%s]%s%s:\n", (unsigned long long)id, state_text(g, status), since,
		  g->info.name[0] != '\0' ? " " : "", g->info.name);
}

/* A goroutine in a blocking call is on its thread, and its saved stack pointer is an old one. */
static void print_stack(int fd, const struct go_g *g, uint32_t status, bool here, const void *context)
{
	bool saved = status == GO__WAITING || status == GO__RUNNABLE;
	if (here)
		go__unwind_print(fd, context);
	else if (saved && g->sp == NULL && g->bound == NULL)
		go__print(fd, "\tnot started yet: %s\n", g->info.fn_name != NULL ? g->info.fn_name : "?");
	else if (saved && g->bound == NULL && g->why != GO_WAIT_BLOCKING)
		go__unwind_parked(fd, g->sp);
	else
		go__print(fd, "\tgoroutine running on other thread; stack unavailable\n");
}

static void print_rest(int fd, struct go_g *g, uint32_t status, const void *context)
{
	struct go_m *m = go__m();
	print_stack(fd, g, status, m != NULL && m->g == g, context);
	if (g->info.where != NULL && g->creator != 0)
		go__print(fd, "created by goroutine %llu at %s\n", (unsigned long long)g->creator,
			  g->info.where);
	else if (g->info.where != NULL)
		go__print(fd, "created at %s\n", g->info.where);
	go__print(fd, "\n");
}

void go__dump_one(int fd, struct go_g *g, const void *context)
{
	uint32_t status = atomic_load(&g->status);
	print_head(fd, g, status, g->info.id, g->since);
	print_rest(fd, g, status, context);
}

static void print_group(int fd, struct group *group)
{
	for (size_t i = 0; i < group->n && i < HEADS; i++)
		print_head(fd, group->first, group->status, group->heads[i].id, group->heads[i].since);
	if (group->n > HEADS)
		go__print(fd, "and %zu more like these:\n", group->n - HEADS);
	print_rest(fd, group->first, group->status, NULL);
}

/* ---- all ---- */

struct dump {
	int fd;
	struct go_g *first;
	struct group *groups; /* GROUPS of them; NULL: no memory, and each is told */
};

static uint64_t mix(uint64_t key, uint64_t word)
{
	key = (key ^ word) * 0x9e3779b97f4a7c15;
	return key ^ key >> 29;
}

/* Equal for goroutines that are told as one. Names are given to be seen, so named ones differ. */
static uint64_t key_of(struct go_g *g, uint32_t status)
{
	uintptr_t pc[DEPTH];
	uint64_t key = mix(status, g->why);
	size_t n = 0;
	if (status != GO__WAITING && status != GO__RUNNABLE)
		return mix(key, g->info.id) | 1; /* on a thread: each its own */
	if (g->bound == NULL && g->sp != NULL && g->why != GO_WAIT_BLOCKING)
		n = go__unwind_addresses(g->sp, pc, DEPTH);
	for (size_t i = 0; i < n; i++)
		key = mix(key, pc[i]);
	for (const char *c = g->info.name; *c != '\0'; c++)
		key = mix(key, (uint64_t)*c);
	key = mix(mix(key, (uintptr_t)g->info.fn), (uintptr_t)g->info.where);
	return mix(mix(key, g->creator), g->bound == NULL ? 0 : g->info.id) | 1;
}

/* Its own, or a free one; NULL: there is none. */
static struct group *group_of(struct dump *d, uint64_t key)
{
	for (size_t i = 0; i < GROUPS; i++) {
		struct group *group = &d->groups[(key + i) % GROUPS];
		if (group->key == 0 || group->key == key)
			return group;
	}
	return NULL;
}

static void collect(struct go_g *g, void *arg)
{
	struct dump *d = arg;
	if (g == d->first)
		return;
	uint32_t status = atomic_load(&g->status);
	uint64_t key = key_of(g, status);
	struct group *group = d->groups == NULL ? NULL : group_of(d, key);
	if (group == NULL) {
		go__dump_one(d->fd, g, NULL);
		return;
	}
	if (group->key == 0) {
		group->key = key;
		group->first = g;
		group->status = status;
	}
	if (group->n < HEADS) {
		group->heads[group->n].id = g->info.id;
		group->heads[group->n].since = g->since;
	}
	group->n++;
}

/* In the order of their numbers. A selection sort is quick enough for what a person will read. */
static void print_groups(struct dump *d)
{
	for (;;) {
		struct group *least = NULL;
		for (size_t i = 0; i < GROUPS; i++) {
			struct group *group = &d->groups[i];
			if (group->n > 0 && (least == NULL || group->heads[0].id < least->heads[0].id))
				least = group;
		}
		if (least == NULL)
			return;
		print_group(d->fd, least);
		least->n = 0;
	}
}

/* Memory from the system, for this may be a signal handler. */
void go__dump_all(int fd, struct go_g *first, const void *context)
{
	const size_t size = GROUPS * sizeof(struct group);
	struct dump d = {.fd = fd, .first = first, .groups = go__sys_map(size, false)};
	if (first != NULL)
		go__dump_one(fd, first, context);
	go__g_each(collect, &d);
	if (d.groups == NULL)
		return;
	print_groups(&d);
	go__sys_unmap(d.groups, size);
}

void go_dump(int fd)
{
	go__dump_all(fd, go__self(), NULL);
}
