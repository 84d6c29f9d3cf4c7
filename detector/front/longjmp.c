/* SPDX-License-Identifier: Apache-2.0
 *
 * longjmp.c: a longjmp leaves functions without their exit hooks. setjmp notes the depth of calls under the
 * address of its jmp_buf, longjmp goes back to it.
 *
 * A record is found by (address, goroutine) and stays until the same buffer is filled again, so there are as
 * many as a program has buffers. setjmp itself returns twice and can't be wrapped in C: see arch/setjmp.h.
 */
#include "intercept.h"

#include "../context.h"
#include "../mem.h"

#include <setjmp.h>

#include "arch/setjmp.h"

#define BUCKETS 1024
#define TRIES   100000

struct saved {
	struct saved *next;
	const void *env;
	const struct gosan_g *g;
	size_t depth;
};

static struct bucket {
	char lock;
	struct saved *first;
} buckets[BUCKETS];

/* NULL when it can't be had: its holder may be what this signal handler interrupted. */
static struct bucket *lock(const void *env)
{
	struct bucket *b = &buckets[((uintptr_t)env >> 4) % BUCKETS];

	for (int tries = 0; __atomic_test_and_set(&b->lock, __ATOMIC_ACQUIRE); tries++)
		if (tries == TRIES) {
			GOSAN_COUNT(stacks_lost);
			return NULL;
		}
	return b;
}

static void unlock(struct bucket *b)
{
	__atomic_clear(&b->lock, __ATOMIC_RELEASE);
}

static struct saved *find(const struct bucket *b, const void *env)
{
	struct saved *s = b->first;

	while (s && s->env != env)
		s = s->next;
	return s;
}

static void save(const void *env, const struct gosan_g *g)
{
	struct bucket *b = lock(env);
	struct saved *s = b ? find(b, env) : NULL;

	if (!b)
		return;
	if (!s) {
		s = gosan_mem_alloc(sizeof(*s));
		if (s) {
			s->next = b->first;
			b->first = s;
		}
	}
	if (s) {
		s->env = env;
		s->g = g;
		s->depth = gosan_context_depth(g);
	} else {
		GOSAN_COUNT(stacks_lost);
	}
	unlock(b);
}

/* Called by the wrappers: which of the three is it? */
void *gosan_longjmp_saved(const void *env, int index);
void *gosan_longjmp_saved(const void *env, int index)
{
	static const char *const names[] = {"setjmp", "_setjmp", "__sigsetjmp"};
	static void *real[3];

	if (!real[index])
		real[index] = gosan_intercept_next(names[index]);
	if (gosan_access_ready && gosan_self)
		save(env, gosan_self);
	return real[index];
}

SETJMP_WRAPPER(setjmp, 0);
SETJMP_WRAPPER(_setjmp, 1);
SETJMP_WRAPPER(__sigsetjmp, 2);

static void restore(const void *env)
{
	struct gosan_g *g = gosan_self;
	struct bucket *b;
	const struct saved *s;

	if (!gosan_access_ready || !g)
		return;
	b = lock(env);
	if (!b)
		return;
	s = find(b, env);
	if (s && s->g == g)
		gosan_context_unwind(g, s->depth);
	unlock(b);
}

void __longjmp_chk(struct __jmp_buf_tag env[1], int value) __attribute__((noreturn));

#define LONGJMP(name) \
	GOSAN_EXPORT void name(struct __jmp_buf_tag env[1], int value) \
	{ \
		restore(env); \
		GOSAN_REAL(name)(env, value); \
		__builtin_unreachable(); \
	}
LONGJMP(longjmp)
LONGJMP(_longjmp)
LONGJMP(siglongjmp)
LONGJMP(__longjmp_chk)
