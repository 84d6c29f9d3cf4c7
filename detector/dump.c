/* SPDX-License-Identifier: Apache-2.0
 *
 * dump.c: what every goroutine and thread does when a program is stopped: its state, on what object, who has that,
 * since when, what it holds itself, and where. For whoever has to say why a program hangs.
 *
 * Context: under the engine lock, if it could be had; otherwise the lists may be a few entries short.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "../runtime/probe.h"
#include "finding.h"
#include "stream.h"

#define HELD_SHOWN 4

/* The state of a goroutine, in the words that Go uses in its dumps where Go has one. */
const char *gosan_dump_wait_name(int why)
{
	static const char *const texts[] = {[GO_WAIT_NONE] = "running",
					    [GO_WAIT_CHAN_SEND] = "chan send",
					    [GO_WAIT_CHAN_RECV] = "chan receive",
					    [GO_WAIT_SELECT] = "select",
					    [GO_WAIT_NIL_CHAN] = "nil channel",
					    [GO_WAIT_NO_CASES] = "select (no cases)",
					    [GO_WAIT_MUTEX] = "mutex lock",
					    [GO_WAIT_RLOCK] = "rwmutex rlock",
					    [GO_WAIT_WLOCK] = "rwmutex lock",
					    [GO_WAIT_WAITGROUP] = "waitgroup wait",
					    [GO_WAIT_COND] = "cond wait",
					    [GO_WAIT_ONCE] = "once",
					    [GO_WAIT_SLEEP] = "sleep",
					    [GO_WAIT_IO] = "IO wait",
					    [GO_WAIT_BLOCKING] = "blocking call",
					    [GO_WAIT_SIGNAL] = "signal",
					    [GOSAN_WAIT_SEM] = "semaphore wait",
					    [GOSAN_WAIT_BARRIER] = "barrier wait",
					    [GOSAN_WAIT_JOIN] = "join"};

	return why >= 0 && (size_t)why < sizeof(texts) / sizeof(texts[0]) && texts[why] ? texts[why]
											: "waiting";
}

/* Text that grows; what does not fit is cut. */
struct text {
	size_t n;
	char s[GOSAN_TEXT_MAX];
};

__attribute__((format(printf, 2, 3))) static void add(struct text *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (t->n < sizeof(t->s))
		t->n += (size_t)vsnprintf(t->s + t->n, sizeof(t->s) - t->n, fmt, ap);
	va_end(ap);
}

static void add_who(struct text *t, const struct gosan_g *g)
{
	const char *name = g->name[0] ? g->name : "";

	add(t, "%s %" PRIu64 "%s%s%s", g->is_thread ? "thread" : "goroutine", g->is_thread ? g->tid : g->id,
	    *name ? " (" : "", name, *name ? ")" : "");
}

/* The tool puts the variable's name in place of {var:..}. */
static void add_object(struct text *t, const struct gosan_obj *obj)
{
	add(t, "%s {var:0x%" PRIxPTR "}", gosan_finding_kind_name(obj->kind), obj->addr);
}

static void add_wait(struct text *t, const struct gosan_wait *w)
{
	struct timespec now = {(time_t)(gosan_engine_replayed_ns / 1000000000u),
			       (long)(gosan_engine_replayed_ns % 1000000000u)};

	if (w->n && w->on[0].obj) {
		add(t, " on ");
		add_object(t, w->on[0].obj);
		if (w->on[0].obj->owner) {
			add(t, ", which ");
			add_who(t, w->on[0].obj->owner);
			add(t, w->on[0].obj->owner->ended ? " held when it ended" : " holds");
		}
	}
	if (w->joins) {
		add(t, " of ");
		add_who(t, w->joins);
	}
	if (!gosan_engine_replayed_ns)
		clock_gettime(CLOCK_MONOTONIC, &now);
	add(t, ", for %.1f s%s", (double)now.tv_sec + (double)now.tv_nsec / 1e9 - (double)w->since_ns / 1e9,
	    w->timed ? " (timed)" : "");
}

static void add_held(struct text *t, const struct gosan_g *g)
{
	for (size_t i = 0; i < g->n_held && i < HELD_SHOWN; i++) {
		add(t, i ? ", " : "; holds ");
		add_object(t, g->held[i].obj);
	}
	if (g->n_held > HELD_SHOWN)
		add(t, " and %zu more", g->n_held - HELD_SHOWN);
}

/* Of one that runs, the stack of its last event is the nearest thing that is known. */
static void dump_line(const struct gosan_g *g)
{
	uint32_t stack = g->wait.why ? g->wait.stack : g->last_stack;
	struct text detail = {0, ""};

	if (g->wait.why)
		add_wait(&detail, &g->wait);
	else
		add(&detail, ", last seen");
	add_held(&detail, g);
	gosan_stream_modules(stack);
	gosan_stream_modules(g->created_stack);
	for (size_t i = 0; i < g->wait.n && g->wait.why && i < GOSAN_WAIT_MAX; i++)
		if (g->wait.on[i].obj)
			gosan_stream_module_of(g->wait.on[i].obj->addr);
	for (size_t i = 0; i < g->n_held && i < HELD_SHOWN; i++)
		gosan_stream_module_of(g->held[i].obj->addr);
	if (!gosan_stream_begin("dump"))
		return;
	gosan_stream_uint("g", g->id);
	gosan_stream_uint("t", g->tid);
	gosan_stream_text("name", g->name);
	gosan_stream_text("fn", g->fn_name);
	gosan_stream_text("state", gosan_dump_wait_name(g->wait.why));
	gosan_stream_text("detail", detail.s);
	gosan_stream_stack("stack", stack);
	gosan_stream_stack("created", g->created_stack);
	gosan_stream_end_line();
}

void gosan_stream_dump(enum gosan_end why)
{
	(void)why;
	for (const struct gosan_g *g = gosan_engine_all(); g && gosan_stream_is_open(); g = g->next)
		if (!g->ended && !g->is_system)
			dump_line(g);
}
