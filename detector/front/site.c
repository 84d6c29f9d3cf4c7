/* SPDX-License-Identifier: Apache-2.0
 *
 * site.c: the places in the program that call us, and stacks that are made up for after the call.
 */
#include "quick.h"

#include "../depot.h"
#include "../module.h"

#include <string.h>

#define PROBES  8
#define RESTORE 4096 /* words of stack that are searched for one return address */

struct gosan_site gosan_pthread_sites[GOSAN_SITES];
static struct gosan_site crowd = {.eager = true}; /* for whoever finds no place in the table */

/* The locks of an allocator are none of the program's: they order nothing that it may rely on, and are taken under
 * malloc, where a hook had better do nothing. */
static bool is_allocator(uintptr_t pc)
{
	static const char *const names[] = {"libjemalloc", "libtcmalloc", "libmimalloc"};
	const struct gosan_module *m = gosan_module_find(pc);
	const char *slash = m ? strrchr(m->path, '/') : NULL;

	for (size_t i = 0; slash && i < sizeof(names) / sizeof(names[0]); i++)
		if (strncmp(slash + 1, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

static struct gosan_site *add_site(struct gosan_site *s, uintptr_t pc)
{
	uintptr_t none = 0;

	if (!__atomic_compare_exchange_n(&s->pc, &none, pc, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return none == pc ? s : NULL;
	if (gosan_intercept_is_runtime(pc) || is_allocator(pc))
		s->ignored = true;
	return s;
}

struct gosan_site *gosan_site_of(uintptr_t pc)
{
	size_t at = gosan_pthread_place(pc);

	for (size_t i = 0; i < PROBES; i++) {
		struct gosan_site *s = &gosan_pthread_sites[(at + i) & (GOSAN_SITES - 1)];
		uintptr_t there = __atomic_load_n(&s->pc, __ATOMIC_ACQUIRE);

		if (there == pc)
			return s;
		if (there == 0 && (s = add_site(s, pc)) != NULL)
			return s;
	}
	return &crowd;
}

/* Where the return address `pc` lies at or above *from; moves *from past it. False: not on this stack. */
static bool find_slot(const uintptr_t **from, const uintptr_t *end, uintptr_t pc)
{
	const uintptr_t *p = *from;

	for (size_t i = 0; i < RESTORE && p < end; i++, p++)
		if (*p == pc) {
			*from = p + 1;
			return true;
		}
	return false;
}

/* Without knowing where its frames were: its own pc, and of today's frames those whose return addresses lie above sp.
 * On another stack than the thread's own, only pc is sure. */
__attribute__((noinline, no_sanitize("address"))) static uint32_t guess(const struct gosan_thread *t,
									uintptr_t pc, uintptr_t sp)
{
	uintptr_t pcs[GOSAN_STACK_MAX] = {pc}, here = (uintptr_t)__builtin_frame_address(0);
	const uintptr_t *from = (const uintptr_t *)here, *end = (const uintptr_t *)t->stack_hi, *now;
	size_t n_now, n = 1;

	if (sp < here || sp >= t->stack_hi)
		return gosan_depot_put(pcs, 1);
	now = gosan_depot_get(gosan_unwind_here(), &n_now);
	for (size_t i = 0; i < n_now && n < GOSAN_STACK_MAX; i++) {
		if (!find_slot(&from, end, now[i]))
			break;
		if ((uintptr_t)from > sp)
			pcs[n++] = now[i];
	}
	return gosan_depot_put(pcs, n);
}

/* The caller of the function that took the lock, and all outside of it, have not returned: today's stack has them. */
uint32_t gosan_site_restore(const struct gosan_thread *t, const struct gosan_record *r, bool *ret_whole)
{
	uint32_t id = r->ra ? gosan_unwind_outside(r->pc, r->ra, r->cfa) : 0;

	*ret_whole = id != 0;
	return id ? id : guess(t, r->pc, r->sp);
}
