/* SPDX-License-Identifier: Apache-2.0
 *
 * feed.h: synthetic programs for the analyzers, and a double of finding.c that captures what they find.
 *
 * Engine and analyzers have one life per process, so each test runs in a child: RUN(name) makes a cmocka test
 * of the function program_name. A program is a sequence of the verbs below; the line number of each verb is
 * its stack, so that a check can name a participant by the line. Include once per test.
 */
#ifndef FEED_H
#define FEED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "../runtime/probe.h"
#include "engine.h"
#include "finding.h"
#include "analyze/analyze.h"

/* The double. */
static struct gosan_finding now_open, found[64];
static size_t n_found;
static unsigned n_again, n_emitted, n_taken_back;

struct gosan_finding *gosan_finding_begin(int code)
{
	memset(&now_open, 0, sizeof now_open);
	now_open.code = code;
	return &now_open;
}

struct gosan_part *gosan_finding_part(struct gosan_finding *f, const char *role, const struct gosan_g *g,
				      const char *op, uint32_t stack)
{
	static struct gosan_part none;
	struct gosan_part *p = f->n_parts < GOSAN_PARTS_MAX ? &f->parts[f->n_parts++] : &none;

	if (p == &none)
		f->n_more++;
	*p = (struct gosan_part){.role = role, .g = g, .op = op, .stack = stack};
	return p;
}

void gosan_finding_locks(struct gosan_part *p)
{
	for (size_t i = 0; p->g && i < p->g->n_held && i < GOSAN_LOCKS_MAX; i++) {
		p->locks[i].obj = p->g->held[i].obj;
		p->locks[i].stack = p->g->held[i].stack;
		p->n_locks++;
	}
}

void gosan_finding_story(struct gosan_finding *f, const struct gosan_g *g, uint32_t stack, const char *fmt,
			 ...)
{
	va_list ap;

	if (f->n_story == GOSAN_STORY_MAX)
		return;
	f->story[f->n_story].g = g;
	f->story[f->n_story].stack = stack;
	va_start(ap, fmt);
	vsnprintf(f->story[f->n_story++].text, sizeof f->story[0].text, fmt, ap);
	va_end(ap);
}

static uint64_t same_bug(const struct gosan_finding *f)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < f->n_parts; i++)
		sum += (uint64_t)f->parts[i].stack * 2654435761u;
	return f->dedup ? f->dedup : sum;
}

bool gosan_finding_emit(struct gosan_finding *f)
{
	n_emitted++;
	for (size_t i = 0; i < n_found; i++)
		if (found[i].code == f->code && same_bug(&found[i]) == same_bug(f)) {
			n_again++;
			return false;
		}
	if (n_found < 64)
		found[n_found++] = *f;
	return true;
}

uint64_t gosan_finding_last(void)
{
	return n_emitted;
}

void gosan_finding_take_back(uint64_t emission)
{
	n_taken_back += emission > 0 && emission <= n_emitted;
}

bool gosan_finding_has(int code, const struct gosan_g *g)
{
	for (size_t i = 0; i < n_found; i++)
		for (size_t k = 0; found[i].code == code && k < found[i].n_parts; k++)
			if (found[i].parts[k].g == g)
				return true;
	return false;
}

const char *gosan_finding_kind_name(enum gosan_obj_kind kind)
{
	(void)kind;
	return "object";
}

/* Verbs. */
#define EV(op_, g_, ...) \
	gosan_engine_event( \
		&(struct gosan_event){.op = GOSAN_EV_##op_, .g = g_, .stack = __LINE__, __VA_ARGS__})
#define GO(parent)        feed_go(parent, __LINE__)
#define END(g)            EV(G_END, g, .arg = 0)
#define ADD(g, wg, n)     EV(WG_ADD, g, .obj = wg, .arg = (n), .arg2 = feed_count(wg, n))
#define DONE(g, wg)       ADD(g, wg, -1)
#define WAIT(g, wg)       EV(WG_WAIT, g, .obj = wg)
#define WAITED(g, wg)     EV(WG_WAITED, g, .obj = wg)
#define SEND(g, ch, slot) EV(CHAN_SEND, g, .obj = ch, .arg = slot)
#define RECV(g, ch, slot) EV(CHAN_RECV, g, .obj = ch, .arg = slot)
#define PAIR(s, r, ch)    EV(CHAN_PAIR, s, .peer = r, .obj = ch)
#define CLOSE(g, ch)      EV(CHAN_CLOSE, g, .obj = ch)
#define REQUEST(g, l)     EV(LOCK_REQUEST, g, .obj = l)
#define LOCK(g, l) \
	do { \
		EV(LOCK_REQUEST, g, .obj = l); \
		EV(LOCK_ACQUIRE, g, .obj = l); \
	} while (0)
#define UNLOCK(g, l) EV(LOCK_RELEASE, g, .obj = l)
#define RLOCK(g, l) \
	do { \
		EV(LOCK_REQUEST, g, .obj = l, .mode = GO_LOCK_READ); \
		EV(LOCK_ACQUIRE, g, .obj = l, .mode = GO_LOCK_READ); \
	} while (0)
#define RUNLOCK(g, l)         EV(LOCK_RELEASE, g, .obj = l, .mode = GO_LOCK_READ)
#define PARK(g, why_, o, op_) feed_park(g, why_, o, op_, __LINE__)
#define PARK_LOCK(g, l) \
	do { \
		REQUEST(g, l); \
		PARK(g, GO_WAIT_MUTEX, l, GO_ON_LOCK); \
	} while (0)
#define READY(by, g)      EV(G_READY, by, .peer = g)
#define FAULT(g, what, o) EV(FAULT, g, .arg = what, .obj = o)
#define STALL()           EV(STALL, feed_main(), .arg = 0)
#define EXIT()            gosan_engine_end(GOSAN_END_EXIT)

static inline struct gosan_g *feed_main(void)
{
	static struct gosan_g *g;

	if (!g)
		g = gosan_engine_new_g(1, false);
	return g;
}

static inline struct gosan_g *feed_go(struct gosan_g *parent, uint32_t line)
{
	static uint64_t last = 1;
	struct gosan_g *g = gosan_engine_new_g(++last, false);

	gosan_engine_event(
		&(struct gosan_event){.op = GOSAN_EV_G_SPAWN, .g = parent, .peer = g, .stack = line});
	gosan_engine_event(&(struct gosan_event){.op = GOSAN_EV_G_START, .g = g, .stack = line});
	return g;
}

static inline struct gosan_obj *feed_obj(enum gosan_obj_kind kind)
{
	static uintptr_t last = 0x10000;

	return gosan_engine_object_at(last += 256, kind);
}

/* The counter of a WaitGroup, which the runtime would keep. */
static inline int64_t feed_count(const struct gosan_obj *wg, int64_t n)
{
	static int64_t counter[64];

	return counter[wg->id % 64] += n;
}

static inline void feed_park(struct gosan_g *g, int why, struct gosan_obj *o, int op, uint32_t line)
{
	g->wait.n = 0;
	if (o) {
		g->wait.on[0].obj = o;
		g->wait.on[0].op = op;
		g->wait.n = 1;
	}
	gosan_engine_event(&(struct gosan_event){.op = GOSAN_EV_G_PARK, .g = g, .arg = why, .stack = line});
}

/* Checks: in the child, so they print and exit. */
#define CHECK(cond) \
	do { \
		if (!(cond)) { \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #cond); \
			feed_print(); \
			exit(1); \
		} \
	} while (0)
#define NOTHING()   CHECK(n_found == 0)
#define ONLY(code_) CHECK(n_found == 1 && found[0].code == (code_))

static inline void feed_print(void)
{
	for (size_t i = 0; i < n_found; i++) {
		fprintf(stderr, "  GS%d %s\n    %s\n    %s\n", found[i].code, found[i].title, found[i].why,
			found[i].help);
		for (size_t k = 0; k < found[i].n_parts; k++)
			fprintf(stderr, "    %s %s line %u\n", found[i].parts[k].role, found[i].parts[k].op,
				found[i].parts[k].stack);
	}
}

static inline bool feed_has_role(const struct gosan_finding *f, const char *role)
{
	for (size_t i = 0; i < f->n_parts; i++)
		if (!strcmp(f->parts[i].role, role))
			return true;
	return false;
}

/* What is quadratic would not come back. Processor time: on a busy machine the other one says nothing. */
static inline void feed_limit(long seconds)
{
	struct itimerval limit = {{0, 0}, {seconds, 0}};

	setitimer(ITIMER_PROF, &limit, NULL);
}

static inline void feed_run(void (*program)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		gosan_engine_init();
		feed_main();
		program();
		/* Whatever was found can be read: no cut-off in mid-word, nothing empty. */
		for (size_t i = 0; i < n_found; i++)
			CHECK(found[i].n_parts && *found[i].title && *found[i].why && *found[i].help &&
			      strlen(found[i].why) < GOSAN_TEXT_MAX - 1 &&
			      strlen(found[i].title) < sizeof found[i].title - 1);
		exit(0);
	}
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
}

#define RUN(name) \
	{ \
		"" #name, feed_test_##name, NULL, NULL, NULL \
	}
#define PROGRAM(name) \
	static void program_##name(void); \
	static void feed_test_##name(void **state) \
	{ \
		(void)state; \
		feed_run(program_##name); \
	} \
	static void program_##name(void)

#endif
