/* SPDX-License-Identifier: Apache-2.0
 *
 * words.c: how reports speak of goroutines and threads, of what they wait for, and of who could have helped.
 * Knows no particular bug. The strings are static and live through the next 7 calls.
 */
#include <inttypes.h>
#include <stdio.h>

#include "../../runtime/probe.h"
#include "depot.h"
#include "words.h"

/* The words are those of the JSON contract (finding.h, struct gosan_part). */
const char *gosan_words_op(const struct gosan_g *g)
{
	static const char *const text[] = {
		[GO_WAIT_NONE] = "running",
		[GO_WAIT_CHAN_SEND] = "chan send",
		[GO_WAIT_CHAN_RECV] = "chan receive",
		[GO_WAIT_SELECT] = "select",
		[GO_WAIT_NIL_CHAN] = "chan receive",
		[GO_WAIT_NO_CASES] = "select",
		[GO_WAIT_MUTEX] = "lock",
		[GO_WAIT_RLOCK] = "rlock",
		[GO_WAIT_WLOCK] = "lock",
		[GO_WAIT_WAITGROUP] = "wait",
		[GO_WAIT_COND] = "cond wait",
		[GO_WAIT_ONCE] = "once",
		[GO_WAIT_SLEEP] = "sleep",
		[GO_WAIT_IO] = "io",
		[GO_WAIT_BLOCKING] = "blocking call",
		[GO_WAIT_SIGNAL] = "signal",
		[GOSAN_WAIT_SEM] = "sem wait",
		[GOSAN_WAIT_BARRIER] = "barrier wait",
		[GOSAN_WAIT_JOIN] = "join",
	};
	size_t why = (size_t)g->wait.why;

	if (why == GO_WAIT_NIL_CHAN && g->wait.n && g->wait.on[0].op == GO_ON_SEND)
		return "chan send";
	return why < sizeof text / sizeof *text && text[why] ? text[why] : "wait";
}

const char *gosan_words_kind(const struct gosan_g *g)
{
	return g && g->is_thread ? "thread" : "goroutine";
}

const char *gosan_words_advice(const struct gosan_g *g, const char *goroutines, const char *threads)
{
	return g && g->is_thread ? threads : goroutines;
}

/* Eight strings in turn: a sentence names at most four goroutines and as many objects. Under the engine lock,
 * so one ring serves all threads. */
static char *scratch(void)
{
	static char ring[8][128];
	static unsigned next;

	return ring[next++ % 8];
}

/* The first thread is the one that loaded us. */
static bool is_main(const struct gosan_g *g)
{
	return g->is_thread ? g->tid == 1 && !g->parent : g->id == 1;
}

/* Main is called so: its number would tell nobody anything. A name that the program gave goes before the function of
 * the go statement. */
const char *gosan_words_who(const struct gosan_g *g)
{
	char *s = scratch();
	const char *name = !g ? NULL : g->name[0] ? g->name : g->fn_name;

	if (!g)
		return "somebody";
	if (g->is_system)
		return "the system";
	if (is_main(g))
		snprintf(s, 128, "the main %s", gosan_words_kind(g));
	else if (name)
		snprintf(s, 128, "%s %" PRIu64 " (%.60s)", gosan_words_kind(g), g->id + g->tid, name);
	else
		snprintf(s, 128, "%s %" PRIu64, gosan_words_kind(g), g->id + g->tid);
	return s;
}

/* The tool puts the variable's name in place of {var:..}, and the name of what the statement at an address made in
 * place of {made:..}: a channel lives on the heap. Without debug information, the address. */
const char *gosan_words_what(const struct gosan_obj *obj)
{
	char *s = scratch();
	bool made = obj && (obj->kind == GOSAN_OBJ_CHAN || obj->kind == GOSAN_OBJ_CONTEXT);
	size_t n = 0;
	const uintptr_t *pcs = made ? gosan_depot_get(obj->created_stack, &n) : NULL;

	if (!obj)
		return "nothing";
	if (n)
		snprintf(s, 128, "%s {made:0x%" PRIxPTR "}", gosan_finding_kind_name(obj->kind), pcs[0]);
	else
		snprintf(s, 128, "%s {var:0x%" PRIxPTR "}", gosan_finding_kind_name(obj->kind), obj->addr);
	return s;
}

const char *gosan_words_awaited(const struct gosan_g *g)
{
	char *s;

	if (!g->wait.why || (g->wait.why != GOSAN_WAIT_JOIN && (!g->wait.n || !g->wait.on[0].obj)))
		return NULL;
	if (g->wait.why != GOSAN_WAIT_JOIN)
		return gosan_words_what(g->wait.on[0].obj);
	s = scratch();
	snprintf(s, 128, "the end of %s", gosan_words_who(g->wait.joins));
	return s;
}

/* Where the goroutine that could have helped went: the question that every report of a hang must answer. */
static const char *state_of(const struct gosan_g *g)
{
	return g->ended ? "which ended" : g->wait.why ? "which is blocked itself" : "which is elsewhere";
}

/* What the helpers of such a wait do: "sent on or closed", and whom we call one. */
static void words(const struct gosan_obj *obj, bool sends, const char **ret_done, const char **ret_who)
{
	*ret_done = *ret_who = NULL;
	if (obj->kind == GOSAN_OBJ_CHAN) {
		*ret_done = sends ? "received from" : "sent on or closed";
		*ret_who = sends ? "receiver" : "sender";
	} else if (obj->kind == GOSAN_OBJ_WAITGROUP) {
		*ret_done = "called Done on";
		*ret_who = "Done";
	} else if (obj->kind == GOSAN_OBJ_COND) {
		*ret_done = "signalled";
		*ret_who = "signaller";
	} else if (obj->kind == GOSAN_OBJ_SEM) {
		*ret_done = "posted";
		*ret_who = "poster";
	}
}

/* "its last sender was goroutine 3 (worker), which ended". A lock has an owner and needs no history. */
const char *gosan_words_helper(const struct gosan_g *g)
{
	char *s = scratch();
	const struct gosan_obj *obj = g->wait.n ? g->wait.on[0].obj : NULL;
	const struct gosan_use *u = obj ? obj->use : NULL;
	bool sends = g->wait.n && g->wait.on[0].op == GO_ON_SEND;
	const struct gosan_g *last = u ? u->last[sends].g : NULL;
	const char *done, *who;

	if (g->wait.why == GOSAN_WAIT_JOIN && g->wait.joins)
		return state_of(g->wait.joins);
	if (!obj)
		return "";
	if (obj->kind == GOSAN_OBJ_BARRIER) {
		snprintf(s, 128, "where %zu of %u have arrived", u ? u->waiting : 0, obj->count);
		return obj->counted ? s : "";
	}
	words(obj, sends, &done, &who);
	if (obj->owner)
		snprintf(s, 128, "held by %s, %s", gosan_words_who(obj->owner), state_of(obj->owner));
	else if (obj->kind == GOSAN_OBJ_ONCE)
		return "whose function has not returned";
	else if (!done)
		return "";
	else if (!last && !sends && u && u->fed)
		snprintf(s, 128, "nobody but a timer, a signal or I/O ever %s it", done);
	else if (!last)
		snprintf(s, 128, "nobody ever %s it", done);
	else
		snprintf(s, 128, "its last %s was %s, %s", who, gosan_words_who(last), state_of(last));
	return s;
}

const struct gosan_g *gosan_words_hostage(const struct gosan_g *g, const struct gosan_obj **ret_lock)
{
	for (size_t i = 0; i < g->n_held; i++) {
		const struct gosan_obj *l = g->held[i].obj;
		const struct gosan_g *waiter = gosan_waits_any(l) ? gosan_waits_by_rank(1, l) : NULL;

		if (waiter == g)
			waiter = gosan_waits_by_rank(gosan_waits_rank(g) + 1, l);
		if (waiter) {
			*ret_lock = l;
			return waiter;
		}
	}
	return NULL;
}
