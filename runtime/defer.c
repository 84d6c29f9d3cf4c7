/* SPDX-License-Identifier: Apache-2.0
 *
 * defer.c: running calls that were kept: goroutines, go_defer, go_exit.
 *
 * Deferred records lie in the frames that declare them and form a chain from the innermost scope
 * outwards, headed by the goroutine. A scope that ends runs its record by the compiler's cleanup; go_exit
 * runs the whole chain, on top of the frames that still stand. A scope that is left by longjmp leaves its
 * record behind on the chain; the next record outside of it that runs drops it.
 */
#include "internal.h"

typedef void six_words(uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t);

static void invoke(const struct go_call *call)
{
	six_words *fn = (six_words *)call->fn;
	fn(call->w[0], call->w[1], call->w[2], call->w[3], call->w[4], call->w[5]);
}

/* With a WaitGroup, the record that counts down lies outside of all others: it runs last. */
void go__call_invoke(const struct go_call *call)
{
	if (call->wg == NULL) {
		invoke(call);
	} else {
		go_defer(go_waitgroup_done, call->wg);
		invoke(call);
	}
}

void go_defer_(struct go_deferred_ *d)
{
	struct go_g *g = go__self();
	d->next = g->defers;
	d->armed = true;
	g->defers = d;
}

void go_defer_run_(struct go_deferred_ *d)
{
	if (!d->armed)
		return;
	go__self()->defers = d->next;
	d->armed = false;
	go__call_invoke(&d->call);
}

void go_exit(void)
{
	struct go_g *g = go__self();
	while (g->defers != NULL)
		go_defer_run_(g->defers);
	go__g_end();
}
