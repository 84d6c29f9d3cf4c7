/* SPDX-License-Identifier: Apache-2.0
 *
 * channel.c: GS501, GS502, GS503 (misuse that happened) and GS505 (a send that a close can overtake).
 *
 * GS505 treats close as a write and send as a read of the channel: a send that is not before the close by
 * happens-before could have come second in another schedule, and panicked. The stamp of a send is that of
 * the attempt; a receive that led to the close orders it, since it acquired the sender's clock.
 *      sender                closer
 *      send 1  ───────────►  receive 1          ordered: the receive is before the close
 *      send 2  ·· nothing ·· close              not ordered: GS505, though it went well this time
 *
 * One send per chain is kept: a later one of the same chain is unordered whenever an earlier one is.
 * GS505 is told at the close, since a process may be killed before its end, and taken back when a panic on the same
 * channel (GS501, GS502) says the same and more.
 */
#include <inttypes.h>
#include <stdio.h>

#include "../../runtime/probe.h"
#include "mem.h"
#include "words.h"

/* By cid, open addressing; cid 0 is a free place (chains start at 1 or their stamp is "never"). */
struct send {
	const struct gosan_g *g;
	uint32_t stack;
	struct gosan_stamp at;
};

struct chan {
	const struct gosan_obj *obj;
	struct send *sends;
	size_t n, room; /* room is a power of two */
	const struct gosan_g *closer;
	uint32_t close_stack;
	struct send early; /* the send that is not ordered with the close */
	uint64_t emission; /* of its GS505 */
};

/* Never freed: the closer is named long after. A channel that dies drops its sends, which are the bulk. */
static struct chan *chan_of(struct gosan_obj *obj)
{
	struct chan *c = obj->chan;

	if (c)
		return c;
	c = gosan_mem_alloc(sizeof *c);
	if (!c)
		return NULL;
	c->obj = obj;
	obj->chan = c;
	return c;
}

/* The place of cid; the table must have a free one. */
/* Chains, not goroutines: a chain is reused only by one that knows all of it, which keeps the rule above. */
static struct send *place(struct send *table, size_t room, uint32_t cid)
{
	size_t i = (cid * 0x9E3779B1u) & (room - 1);

	while (table[i].g && table[i].at.cid != cid)
		i = (i + 1) & (room - 1);
	return &table[i];
}

/* Half full at most. Without memory for a bigger table the old one serves until one place is left. */
static bool grow(struct chan *c)
{
	size_t room = c->room ? c->room * 2 : 8;
	struct send *table;

	if (c->n * 2 < c->room)
		return true;
	table = gosan_mem_alloc(room * sizeof *table);
	if (!table)
		return c->n + 1 < c->room;
	for (size_t i = 0; i < c->room; i++)
		if (c->sends[i].g)
			*place(table, room, c->sends[i].at.cid) = c->sends[i];
	if (c->sends)
		gosan_mem_free(c->sends, c->room * sizeof *table);
	c->sends = table;
	c->room = room;
	return true;
}

/* CHAN_SEND and CHAN_PAIR name the sender also when somebody else completes the operation for it; ev->at is
 * then its stamp at the park, for it made no event since. That is the attempt. Timers send too: they stop by
 * themselves, nobody can order a close after them, and their send to a closed channel does not panic. */
static void on_send(struct chan *c, const struct gosan_event *ev)
{
	struct send *s;

	if (ev->g->is_system || !grow(c))
		return;
	s = place(c->sends, c->room, ev->at.cid);
	c->n += !s->g;
	*s = (struct send){ev->g, ev->stack, ev->at};
}

/* After the close (or the free) every further send panics: nothing to compare with any more. */
static void drop_sends(struct chan *c)
{
	if (c->sends)
		gosan_mem_free(c->sends, c->room * sizeof *c->sends);
	c->sends = NULL;
	c->n = c->room = 0;
}

/* With the locks that the panicking goroutine holds: a close that should be under them shows. */
static void report_panic(int code, const struct chan *c, const struct gosan_event *ev)
{
	static const char *const title[] = {"send on closed {obj}", "close of closed {obj}",
					    "close of a nil channel"};
	static const char *const help[] = {
		"close a channel after its last send: by its only sender, or after Wait on all senders",
		"let one goroutine own the close of the channel, or close it through a once",
		"make the channel with go_make() before it is used",
	};
	struct gosan_finding *f = gosan_finding_begin(code);
	const char *op = code == 501 ? "chan send" : "close";

	f->obj = ev->obj;
	if (!ev->obj)
		f->obj_kind = "chan";
	gosan_finding_locks(gosan_finding_part(f, "current", ev->g, op, ev->stack));
	if (c && c->closer)
		gosan_finding_part(f, "closer", c->closer, "close", c->close_stack);
	snprintf(f->title, sizeof f->title, "%s", title[code - 501]);
	if (!ev->obj)
		snprintf(f->why, sizeof f->why, "%s closes a nil channel, which panics",
			 gosan_words_who(ev->g));
	else
		snprintf(f->why, sizeof f->why, "%s had closed the channel when %s called %s",
			 gosan_words_who(c ? c->closer : NULL), gosan_words_who(ev->g),
			 code == 501 ? "send" : "close");
	snprintf(f->help, sizeof f->help, "%s", help[code - 501]);
	if (c && c->closer) {
		gosan_finding_story(f, c->closer, c->close_stack, "close");
		gosan_finding_story(f, ev->g, ev->stack, "%s  <-- panics", code == 501 ? "send" : "close");
	}
	gosan_finding_emit(f);
}

/* The story tells the other order: the one of this run went well. */
static void report_race(struct chan *c)
{
	struct gosan_finding *f = gosan_finding_begin(505);

	f->obj = c->obj;
	gosan_finding_part(f, "sender", c->early.g, "chan send", c->early.stack);
	gosan_finding_part(f, "closer", c->closer, "close", c->close_stack);
	snprintf(f->title, sizeof f->title, "send and close of {obj} are not ordered");
	snprintf(f->why, sizeof f->why,
		 "the send of %s came first this time, but nothing orders it before the close by %s: a "
		 "schedule "
		 "that closes first panics with \"send on closed channel\"",
		 gosan_words_who(c->early.g), gosan_words_who(c->closer));
	snprintf(f->help, sizeof f->help,
		 "close after all senders are known to be done, for example after Wait "
		 "on a WaitGroup of the senders");
	gosan_finding_story(f, c->closer, c->close_stack, "close");
	gosan_finding_story(f, c->early.g, c->early.stack, "send  <-- panics in this order");
	gosan_finding_emit(f);
	c->emission = gosan_finding_last();
}

/* Of several unordered sends the one of the lowest goroutine id: which one came last is chance. */
static void on_close(struct chan *c, const struct gosan_event *ev)
{
	if (!c->closer) {
		c->closer = ev->g;
		c->close_stack = ev->stack;
	}
	for (size_t i = 0; i < c->room; i++) {
		const struct send *s = &c->sends[i];

		if (s->g && s->g != ev->g && !gosan_clock_covers(&ev->g->strong, s->at) &&
		    (!c->early.g || gosan_waits_rank(s->g) < gosan_waits_rank(c->early.g)))
			c->early = *s;
	}
	drop_sends(c);
	if (c->early.g)
		report_race(c);
}

/* The runtime is about to panic. GS503 has no object: a nil channel is nothing. */
static void on_fault(struct chan *c, const struct gosan_event *ev)
{
	if (ev->arg == GO_FAULT_SEND_ON_CLOSED)
		report_panic(501, c, ev);
	else if (ev->arg == GO_FAULT_CLOSE_OF_CLOSED)
		report_panic(502, c, ev);
	else if (ev->arg == GO_FAULT_CLOSE_OF_NIL)
		report_panic(503, c, ev);
	else
		return;
	if (c)
		gosan_finding_take_back(c->emission);
	if (c)
		c->emission = 0;
}

static void before(const struct gosan_event *ev)
{
	struct chan *c = ev->obj && ev->obj->kind == GOSAN_OBJ_CHAN ? chan_of(ev->obj) : NULL;

	if (ev->op == GOSAN_EV_FAULT)
		on_fault(c, ev);
	if (!c)
		return;
	if (ev->op == GOSAN_EV_CHAN_SEND || ev->op == GOSAN_EV_CHAN_PAIR)
		on_send(c, ev);
	else if (ev->op == GOSAN_EV_CHAN_CLOSE)
		on_close(c, ev);
	else if (ev->op == GOSAN_EV_CHAN_FREE)
		drop_sends(c);
}

/* A receive tells nothing of sends and closes. */
static bool wants(enum gosan_op op)
{
	return op == GOSAN_EV_CHAN_SEND || op == GOSAN_EV_CHAN_PAIR || op == GOSAN_EV_CHAN_CLOSE ||
	       op == GOSAN_EV_CHAN_FREE || op == GOSAN_EV_FAULT;
}

const struct gosan_analyzer gosan_analyze_channel = {
	.check = "channel",
	.wants = wants,
	.before = before,
};
