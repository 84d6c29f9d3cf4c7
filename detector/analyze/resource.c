/* SPDX-License-Identifier: Apache-2.0
 *
 * resource.c: GS303, contexts that nobody cancelled, and GS304, tickers that nobody stopped.
 *
 * Judged at an orderly exit only: a run that was cut short never came to its clean-up. For the same reason
 * a creator that still runs is left alone, unless it is main, whose end is the end.
 *
 * A context is settled when it is cancelled, by whom or what does not matter, or freed: with the cancel of a
 * parent, or when its deadline comes, the runtime gives its resources back as well. A context that carries
 * only a value has none. A ticker is settled when it is stopped; go_tick() makes one that can't be, and the
 * runtime does not report it.
 *
 * Records stay for ever, as reports need them; an address that is used again gets a new one.
 */
#include <stdio.h>

#include "../../runtime/probe.h"
#include "mem.h"
#include "words.h"

/* obj->res of contexts and tickers; of done channels, that of their context. */
struct res {
	struct res *next;
	const struct gosan_obj *obj, *chan;
	const struct gosan_g *g;
	uint32_t stack;
	bool ticker, settled; /* cancelled, freed, stopped */
	bool value;           /* a context that can't be cancelled */
	bool deadline;
};

static struct res *all;

/* The address may have been used before: what was there is settled. */
static void on_new(const struct gosan_event *ev)
{
	struct res *r = ev->obj ? gosan_mem_alloc(sizeof *r) : NULL;

	if (!r)
		return;
	if (ev->obj->res)
		((struct res *)ev->obj->res)->settled = true;
	r->obj = ev->obj;
	r->chan = ev->obj2;
	r->g = ev->g;
	r->stack = ev->stack;
	r->ticker = ev->op == GOSAN_EV_TICKER_NEW;
	r->value = !r->ticker && ev->arg == GO_CTX_VALUE;
	r->deadline = !r->ticker && ev->arg == GO_CTX_DEADLINE;
	r->next = all;
	all = r;
	ev->obj->res = r;
	if (ev->obj2 && !r->ticker && !r->value)
		ev->obj2->res = r;
}

static void before(const struct gosan_event *ev)
{
	struct res *r = ev->obj ? ev->obj->res : NULL;

	if (ev->op == GOSAN_EV_CTX_NEW || ev->op == GOSAN_EV_TICKER_NEW)
		on_new(ev);
	else if (r && (ev->op == GOSAN_EV_CTX_CANCEL || ev->op == GOSAN_EV_CTX_FREE ||
		       ev->op == GOSAN_EV_TICKER_STOP))
		r->settled = true;
}

/* leak.c: who waits for this channel waits for the cancel that GS303 misses. */
bool gosan_resource_open_context(const struct gosan_obj *done)
{
	const struct res *r = done->res;

	return r && !r->ticker && !r->settled;
}

/* Somebody who waits for the context shows what it costs; one is enough. */
static void report(const struct res *r)
{
	struct gosan_finding *f = gosan_finding_begin(r->ticker ? 304 : 303);

	f->obj = r->obj;
	gosan_finding_part(f, "current", r->g, r->ticker ? "new ticker" : "new context", r->stack);
	for (const struct gosan_g *g = gosan_waits_first(); g && r->chan; g = gosan_waits_next(g))
		if (gosan_waits_on(g, r->chan) && f->n_parts == 1)
			gosan_finding_part(f, "blocked", g, gosan_words_op(g), g->wait.stack);
	if (r->ticker) {
		snprintf(f->title, sizeof f->title, "a ticker is never stopped");
		snprintf(f->why, sizeof f->why,
			 "the ticker of %s fires until the program exits; nobody called "
			 "go_ticker_stop()",
			 gosan_words_who(r->g));
		snprintf(f->help, sizeof f->help, "go_defer(go_ticker_stop, ticker) right after it is made");
	} else {
		snprintf(f->title, sizeof f->title, "a context is never cancelled");
		snprintf(f->why, sizeof f->why,
			 "neither %s nor anybody else cancelled it, nor its parent: %s",
			 gosan_words_who(r->g),
			 r->deadline ? "its timer goes on until the deadline, long after the work is done"
				     : "whoever waits for its done channel waits for ever");
		snprintf(f->help, sizeof f->help, "go_defer(go_cancel, ctx) right after it is made");
	}
	gosan_finding_emit(f);
}

/* A deadline in the future does not count as an end: the timer and the children stay until then. */
static void end(enum gosan_end why)
{
	if (why != GOSAN_END_EXIT)
		return;
	for (const struct res *r = all; r; r = r->next)
		if (!r->settled && !r->value && (r->g->ended || r->g->id == 1 || r->g->is_thread))
			report(r);
}

/* Contexts and tickers come late in the table. */
static bool wants(enum gosan_op op)
{
	return op >= GOSAN_EV_ONCE_DONE;
}

const struct gosan_analyzer gosan_analyze_resource = {
	.check = "resource",
	.wants = wants,
	.before = before,
	.end = end,
};
