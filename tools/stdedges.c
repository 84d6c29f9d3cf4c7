/* SPDX-License-Identifier: Apache-2.0
 *
 * stdedges.c: releases and who has acquired them. A thread that acquires the same release again, as in a loop around an
 * atomic, would only make the file longer: the last ones are remembered, and an older one is written once more, which
 * changes no order.
 */
#include "stdedges.h"

#include <inttypes.h>
#include <string.h>

#define KNOWN_BITS 16

struct stdedges {
	struct export_job *x;
	const char *(*name)(void *, uint32_t);
	void *arg;
	uint32_t n;                       /* releases so far */
	uint64_t known[1u << KNOWN_BITS]; /* thread and number, by hash */
};

struct stdedges *stdedges_new(struct export_job *x, const char *(*name)(void *, uint32_t), void *arg)
{
	struct stdedges *s = arena_alloc(x->a, sizeof *s);

	s->x = x;
	s->name = name;
	s->arg = arg;
	return s;
}

/* Three events: a critical section of the edge's own lock around an access of its own variable. */
static void write_edge(struct stdedges *s, uint32_t thread, char op, uint32_t number, int64_t loc)
{
	const char *who = s->name(s->arg, thread);

	fprintf(s->x->out, "%s|acq(E%u)|%" PRId64 "\n%s|%c(V%u)|%" PRId64 "\n%s|rel(E%u)|%" PRId64 "\n", who,
		number, loc, who, op, number, loc, who, number, loc);
	s->x->n += 3;
}

/* Written when it happens, whether or not anybody will ever acquire it: who will is not known yet, and afterwards it is
 * too late, since what the thread does next must not be covered. */
struct stdedges_token stdedges_release(struct stdedges *s, uint32_t thread, int64_t loc)
{
	struct stdedges_token t = {thread, ++s->n};

	write_edge(s, thread, 'w', t.number, loc);
	return t;
}

/* One's own releases are in program order already. */
void stdedges_acquire(struct stdedges *s, uint32_t thread, const struct stdedges_list *list, int64_t loc)
{
	for (uint32_t i = 0; i < list->n; i++) {
		uint64_t key = (uint64_t)thread << 32 | list->token[i].number;
		uint64_t *known = &s->known[key * UINT64_C(0x9e3779b97f4a7c15) >> (64 - KNOWN_BITS)];

		if (list->token[i].thread == thread || *known == key)
			continue;
		*known = key;
		write_edge(s, thread, 'r', list->token[i].number, loc);
	}
}

/* The arena gives nothing back, so a list keeps its room when it is emptied. */
static void append(struct stdedges *s, struct stdedges_list *list, struct stdedges_token token)
{
	if (list->n == list->room) {
		uint32_t room = list->room ? 2 * list->room : 2;
		struct stdedges_token *bigger = arena_alloc(s->x->a, room * sizeof *bigger);

		if (list->n)
			memcpy(bigger, list->token, list->n * sizeof *bigger);
		list->token = bigger;
		list->room = room;
	}
	list->token[list->n++] = token;
}

/* At most one release for each thread that ever released: the later one covers the earlier. */
void stdedges_merge(struct stdedges *s, struct stdedges_list *list, struct stdedges_token token)
{
	for (uint32_t i = 0; i < list->n; i++)
		if (list->token[i].thread == token.thread) {
			if (list->token[i].number < token.number)
				list->token[i] = token;
			return;
		}
	append(s, list, token);
}

/* The releaser acquired what the list had, or the object forgets it (a store ends a release sequence). */
void stdedges_store(struct stdedges *s, struct stdedges_list *list, struct stdedges_token token)
{
	list->n = 0;
	append(s, list, token);
}

void stdedges_merge_all(struct stdedges *s, struct stdedges_list *list, const struct stdedges_list *src)
{
	for (uint32_t i = 0; i < src->n; i++)
		stdedges_merge(s, list, src->token[i]);
}
