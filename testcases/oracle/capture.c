/* SPDX-License-Identifier: Apache-2.0
 *
 * capture.c: the double of finding.c and registry.c: no analyzers but the races of the access layer, and
 * nothing is written.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "depot.h"
#include "finding.h"
#include "registry.h"
#include "capture.h"

const struct gosan_analyzer *const gosan_registry[] = {NULL};
size_t n_captured;
struct captured captured[CAPTURED_MAX];
static struct gosan_finding record;
static struct gosan_part scratch;

struct gosan_finding *gosan_finding_begin(int code)
{
	memset(&record, 0, sizeof record);
	record.code = code;
	return &record;
}

struct gosan_part *gosan_finding_part(struct gosan_finding *f, const char *role, const struct gosan_g *g,
				      const char *op, uint32_t stack)
{
	struct gosan_part *p = f->n_parts < GOSAN_PARTS_MAX ? &f->parts[f->n_parts++] : &scratch;

	*p = (struct gosan_part){.role = role, .g = g, .op = op, .stack = stack};
	return p;
}

void gosan_finding_locks(struct gosan_part *p)
{
	p->n_locks = 0;
}

void gosan_finding_story(struct gosan_finding *f, const struct gosan_g *g, uint32_t stack, const char *fmt,
			 ...)
{
	(void)f, (void)g, (void)stack, (void)fmt;
}

static uintptr_t innermost(const struct gosan_part *p)
{
	size_t n;
	const uintptr_t *pcs = gosan_depot_get(p->stack, &n);

	return n ? pcs[0] : 0;
}

bool gosan_finding_emit(struct gosan_finding *f)
{
	if (n_captured == CAPTURED_MAX) {
		fprintf(stderr, "more than %d reports of one program\n", CAPTURED_MAX);
		abort();
	}
	if (f->n_parts >= 2)
		captured[n_captured++] =
			(struct captured){{innermost(&f->parts[0]), innermost(&f->parts[1])}};
	return true;
}

uint64_t gosan_finding_last(void)
{
	return 0;
}

void gosan_finding_take_back(uint64_t emission)
{
	(void)emission;
}

bool gosan_finding_has(int code, const struct gosan_g *g)
{
	(void)code, (void)g;
	return false;
}

const char *gosan_finding_kind_name(enum gosan_obj_kind kind)
{
	(void)kind;
	return "object";
}
