/* SPDX-License-Identifier: Apache-2.0
 *
 * wgreport.c: what the findings about WaitGroups say. The same participants in the same roles whichever side
 * came first in this run, so that both orders are one bug with one fingerprint; the story tells the order that
 * hurts, which need not be the one that happened.
 */
#include <inttypes.h>
#include <stdio.h>

#include "words.h"
#include "wgreport.h"

void gosan_wgreport_overtaken(const struct gosan_obj *wg, const struct gosan_wgop *a,
			      const struct gosan_wgwait *wait)
{
	struct gosan_finding *f = gosan_finding_begin(401);

	f->obj = wg;
	gosan_finding_part(f, "adder", a->g, "add", a->stack);
	gosan_finding_part(f, "waiter", wait->g, "wait", wait->stack);
	snprintf(f->title, sizeof f->title, "Add on {obj} can be overtaken by Wait");
	snprintf(f->why, sizeof f->why,
		 "nothing orders the Add(%" PRId64
		 ") of %s before the Wait of %s, and the counter can be zero "
		 "when it runs: in some schedule Wait returns first and the work is not waited for",
		 a->n, gosan_words_who(a->g), gosan_words_who(wait->g));
	snprintf(f->help, sizeof f->help,
		 "call Add before the go statement that starts the work, or start it with go_waitgroup_go()");
	if (a->g && a->g->parent == wait->g)
		gosan_finding_story(f, wait->g, a->g->created_stack, "go %s()",
				    a->g->fn_name ? a->g->fn_name : "a function");
	gosan_finding_story(f, wait->g, wait->stack, "Wait: counter is 0, returns");
	gosan_finding_story(f, a->g, a->stack, "Add(%" PRId64 ")  <-- too late", a->n);
	gosan_finding_emit(f);
}

void gosan_wgreport_reuse(const struct gosan_obj *wg, const struct gosan_g *g, uint32_t stack,
			  const struct gosan_wgwait *wait)
{
	struct gosan_finding *f = gosan_finding_begin(403);

	f->obj = wg;
	gosan_finding_part(f, "adder", g, "add", stack);
	if (wait)
		gosan_finding_part(f, "waiter", wait->g, "wait", wait->stack);
	snprintf(f->title, sizeof f->title, "{obj} is reused before the previous Wait returned");
	snprintf(f->why, sizeof f->why,
		 "%s starts a new round, knowing that all work of the last one is done, but nothing orders "
		 "its "
		 "Add after the return of the Wait of %s, which may still be about to look at the counter",
		 gosan_words_who(g), wait ? gosan_words_who(wait->g) : "another goroutine");
	snprintf(f->help, sizeof f->help,
		 "start the new round after every Wait of the old one has returned, "
		 "or use a fresh WaitGroup for each round");
	if (wait)
		gosan_finding_story(f, wait->g, wait->stack, "Wait: woken, has not returned");
	gosan_finding_story(f, g, stack, "Add of the next round  <-- unordered");
	gosan_finding_emit(f);
}

static void tell_negative(struct gosan_finding *f, const struct gosan_g *g, const struct gosan_wgop *add)
{
	if (add)
		snprintf(f->why, sizeof f->why,
			 "nothing orders the Add of %s before this Done of %s: a schedule that runs the Done "
			 "first "
			 "takes the counter below zero and panics",
			 gosan_words_who(add->g), gosan_words_who(g));
	else
		snprintf(f->why, sizeof f->why, "more Dones than Adds can have run when %s calls Done",
			 gosan_words_who(g));
	snprintf(f->help, sizeof f->help, "Add once for each Done, before the go statement that leads to it");
}

/* `add` is one that is not before the Done; NULL when there is none. */
void gosan_wgreport_possible(const struct gosan_obj *wg, const struct gosan_wgop *done,
			     const struct gosan_wgop *add)
{
	struct gosan_finding *f = gosan_finding_begin(402);

	f->obj = wg;
	gosan_finding_part(f, "current", done->g, "done", done->stack);
	if (add)
		gosan_finding_part(f, "adder", add->g, "add", add->stack);
	snprintf(f->title, sizeof f->title, "the counter of {obj} can go below zero");
	tell_negative(f, done->g, add);
	if (add) {
		gosan_finding_story(f, done->g, done->stack, "Done: counter -1  <-- panics");
		gosan_finding_story(f, add->g, add->stack, "Add(%" PRId64 ")", add->n);
	}
	gosan_finding_emit(f);
}

void gosan_wgreport_negative(const struct gosan_obj *wg, const struct gosan_g *g, uint32_t stack,
			     const struct gosan_wgop *other, const struct gosan_wgop *add)
{
	struct gosan_finding *f = gosan_finding_begin(402);

	f->obj = wg;
	gosan_finding_part(f, "current", g, "done", stack);
	if (other)
		gosan_finding_part(f, "previous", other->g, "done", other->stack);
	if (add)
		gosan_finding_part(f, "adder", add->g, "add", add->stack);
	snprintf(f->title, sizeof f->title, "the counter of {obj} goes below zero");
	snprintf(f->why, sizeof f->why, "%s takes more from the counter than was added%s%s",
		 gosan_words_who(g), other ? "; the Done before was by " : "",
		 other ? gosan_words_who(other->g) : "");
	snprintf(f->help, sizeof f->help, "Add once for each Done, before the go statement that leads to it");
	gosan_finding_emit(f);
}
