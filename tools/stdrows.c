/* SPDX-License-Identifier: Apache-2.0
 * stdrows.c: the table. Addresses differ in their middle bits, so these are what the hash keeps. */
#include "stdrows.h"

#include <stdlib.h>

#define FIRST_FEW 256u

/* The place of key, or the free one where it belongs. */
static struct stdrow *slot(const struct stdrows *r, uint64_t key)
{
	uint64_t at = key * UINT64_C(0x9e3779b97f4a7c15) >> 24;

	while (r->row[at & (r->room - 1)].key && r->row[at & (r->room - 1)].key != key + 1)
		at++;
	return &r->row[at & (r->room - 1)];
}

struct stdrow *stdrows_find(const struct stdrows *r, uint64_t key)
{
	struct stdrow *row = r->room ? slot(r, key) : NULL;

	return row && row->key ? row : NULL;
}

/* Lists move with their rows: they are a pointer and two counts. */
static void grow(struct stdrows *r)
{
	struct stdrows old = *r;

	r->room = old.room ? 2 * old.room : FIRST_FEW;
	r->row = calloc(r->room, sizeof *r->row);
	if (!r->row)
		abort(); /* as the arena does */
	for (uint64_t i = 0; i < old.room; i++)
		if (old.row[i].key)
			*slot(r, old.row[i].key - 1) = old.row[i];
	free(old.row);
}

/* A new row is zero but for its key. */
struct stdrow *stdrows_add(struct stdrows *r, uint64_t key)
{
	if (r->n >= r->room / 2)
		grow(r);
	struct stdrow *row = slot(r, key);
	r->n += !row->key;
	row->key = key + 1;
	return row;
}
