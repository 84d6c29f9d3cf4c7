/* SPDX-License-Identifier: Apache-2.0
 *
 * dump.c: all goroutines in text, in the form that Go programmers know:
 *
 *     goroutine 7 [chan receive, 3 minutes] name:
 *     worker(...)
 *             prog+0x11e3 +0x1f
 *     created by goroutine 1 at file.c:12
 *
 * Nothing stops meanwhile: a goroutine that runs on another thread has no readable stack, and one that
 * goes on while its stack is read prints some stale frames. Allocates nothing, writes without stdio.
 */
#include "scheduler.h"

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

/* Whole minutes only, as in Go: what waits for less is hardly stuck. */
static void print_head(int fd, const struct go_g *g, uint32_t status)
{
	char since[40] = "";
	int64_t minutes = status == GO__WAITING ? (go_now() - g->since) / (60 * GO_SEC) : 0;
	if (minutes >= 1)
		snprintf(since, sizeof(since), ", %lld minutes", (long long)minutes);
	go__print(fd, "goroutine %llu [%s%s]%s%s:\n", (unsigned long long)g->info.id, state_text(g, status),
		  since, g->info.name[0] != '\0' ? " " : "", g->info.name);
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

void go__dump_one(int fd, struct go_g *g, const void *context)
{
	struct go_m *m = go__m();
	uint32_t status = atomic_load(&g->status);
	print_head(fd, g, status);
	print_stack(fd, g, status, m != NULL && m->g == g, context);
	if (g->info.where != NULL && g->creator != 0)
		go__print(fd, "created by goroutine %llu at %s\n", (unsigned long long)g->creator,
			  g->info.where);
	else if (g->info.where != NULL)
		go__print(fd, "created at %s\n", g->info.where);
	go__print(fd, "\n");
}

struct dump {
	int fd;
	struct go_g *first;
};

static void visit(struct go_g *g, void *arg)
{
	struct dump *d = arg;
	if (g != d->first)
		go__dump_one(d->fd, g, NULL);
}

void go__dump_all(int fd, struct go_g *first, const void *context)
{
	struct dump d = {.fd = fd, .first = first};
	if (first != NULL)
		go__dump_one(fd, first, context);
	go__g_each(visit, &d);
}

void go_dump(int fd)
{
	go__dump_all(fd, go__self(), NULL);
}
