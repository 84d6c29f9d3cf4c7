/* SPDX-License-Identifier: Apache-2.0
 *
 * replay.c: what was recorded happens again, to the engine.
 *
 * Each record is the call that made it, with the same arguments; ids of stacks, contexts, objects and goroutines are the
 * same, because the tables are loaded with their numbers and births come in the order in which they came. What depended
 * on the live process (thread-local storage, other tasks, the time) is answered from the recording.
 *
 * Nothing here is fatal: a record that does not fit to what came before (a damaged file) is counted as lost.
 */
#include "replay.h"

#include "access.h"
#include "analyze/analyze.h"
#include "atomic.h"
#include "benign.h"
#include "chain.h"
#include "context.h"
#include "depot.h"
#include "floor.h"
#include "held.h"
#include "heap.h"
#include "lockpath.h"
#include "module.h"
#include "object.h"
#include "options.h"
#include "race.h"
#include "shadow.h"
#include "stream.h"
#include "trace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct trace *trace;
static struct gosan_g **actors; /* by number */
static size_t n_actors;
static size_t n_asked; /* questions since the last record */
static bool finished;

/* ---- answers ---- */

/* The next answer to this question that the last record has; dflt: there is none, since the live process did not ask. */
static bool answer(enum gosan_trace_question question, bool dflt)
{
	bool yes;

	for (int q; trace_answer(trace, n_asked, &q, &yes);) {
		n_asked++;
		if (q == (int)question)
			return yes;
	}
	return dflt;
}

static bool can_act(void)
{
	return answer(GOSAN_TRACE_CAN_ACT, true);
}

static bool own_tls(uintptr_t addr)
{
	(void)addr;
	return answer(GOSAN_TRACE_OWN_TLS, false);
}

/* ---- nouns ---- */

static struct gosan_g *actor(uint32_t number)
{
	return number < n_actors ? actors[number] : NULL;
}

/* What a front end told of it. The name is that of its end. */
static void describe(struct gosan_g *g, const struct gosan_trace_actor *row)
{
	memcpy(g->name, row->name, sizeof g->name);
	g->name[sizeof g->name - 1] = 0;
	if (row->fn_name[0])
		g->fn_name = strndup(row->fn_name, sizeof row->fn_name);
	g->parent = actor(row->parent);
	g->created_stack = row->created_stack;
	g->stack_lo = row->stack_lo;
	g->stack_hi = row->stack_hi;
	g->is_system = row->flags & GOSAN_TRACE_SYSTEM;
	g->is_fiber = g->detached = row->flags & GOSAN_TRACE_FIBER;
}

static void new_g(const struct gosan_trace_rec *r)
{
	const struct gosan_trace_actor *row = trace_actor(trace, r->peer);

	if (!row || actors[r->peer])
		return;
	actors[r->peer] = gosan_engine_new_g(row->id, row->flags & GOSAN_TRACE_THREAD);
	describe(actors[r->peer], row);
	actors[r->peer]->ended = r->mode & 1;
}

static void new_object(const struct gosan_trace_rec *r)
{
	const struct gosan_trace_object *row = trace_object(trace, r->obj);
	struct gosan_obj *obj =
		row ? gosan_object_restore(r->obj, row->addr, (enum gosan_obj_kind)row->kind) : NULL;

	if (!obj)
		return;
	obj->created_by = row->created_by;
	obj->flags = row->flags;
	obj->counted = row->count != 0;
	obj->count = row->count ? row->count - 1 : 0;
	obj->seq = r->seq;
	if (r->seq)
		obj->created_stack = row->created_stack;
	if (obj->kind == GOSAN_OBJ_TIMER)
		gosan_floor_stop();
	if (r->mode & 1)
		gosan_object_die(obj);
}

/* ---- events ---- */

static size_t get(const char *p, size_t left, uint64_t *ret)
{
	uint64_t v = 0;

	for (size_t i = 0; i < left && i < 10; i++) {
		v |= (uint64_t)(p[i] & 0x7f) << (7 * i < 64 ? 7 * i : 63);
		if (!(p[i] & 0x80)) {
			*ret = v;
			return i + 1;
		}
	}
	*ret = 0;
	return left;
}

/* The text of a park: how many, whether these are not all, and each object with the operation. */
static void set_wait(struct gosan_g *g, const struct gosan_trace_rec *r)
{
	size_t at = 2, n = r->text_size > 1 ? (unsigned char)r->text[0] : 0;

	if (!g->wait.on)
		return;
	g->wait.n = n < GOSAN_WAIT_MAX ? n : GOSAN_WAIT_MAX;
	g->wait.truncated = n && r->text[1];
	for (size_t i = 0; i < g->wait.n; i++) {
		uint64_t id, op;

		at += get(r->text + at, at < r->text_size ? r->text_size - at : 0, &id);
		at += get(r->text + at, at < r->text_size ? r->text_size - at : 0, &op);
		g->wait.on[i].obj = id <= UINT32_MAX ? gosan_object_by_id((uint32_t)id) : NULL;
		g->wait.on[i].op = (int)op;
	}
}

/* As engine.c, but for slots, on which hb.c relies without asking. */
static bool is_sound(const struct gosan_event *ev)
{
	if (!ev->g || (ev->op == GOSAN_EV_G_PARK && !ev->g->wait.on))
		return false;
	if (ev->op == GOSAN_EV_CHAN_SEND || ev->op == GOSAN_EV_CHAN_RECV)
		return ev->obj && ev->arg >= 0 && (size_t)ev->arg < ev->obj->cap;
	if (ev->op == GOSAN_EV_CHAN_MAKE)
		return ev->arg >= 0 && ev->arg < INT64_C(1) << 32;
	return true;
}

static void send(const struct trace_event *e, enum gosan_op op)
{
	const struct gosan_trace_rec *r = &e->rec;
	struct gosan_event ev = {
		.op = op,
		.mode = r->mode,
		.stack = r->stack,
		.g = actor(e->g),
		.peer = actor(r->peer),
		.obj = gosan_object_by_id(r->obj),
		.obj2 = gosan_object_by_id(r->obj2),
		.arg = r->arg,
		.arg2 = r->arg2,
		.addr = r->addr,
		.size = r->size,
	};

	if (op == GOSAN_EV_FAULT && r->text_size)
		ev.text = strdup(r->text); /* analyzers may keep it */
	if (op == GOSAN_EV_G_PARK && ev.g)
		set_wait(ev.g, r);
	if (!is_sound(&ev)) {
		GOSAN_COUNT(lost);
		return;
	}
	gosan_engine_event(&ev);
	/* The front end had its own view of who made a goroutine that a timer started. */
	if (op == GOSAN_EV_G_SPAWN && ev.peer && trace_actor(trace, r->peer))
		ev.peer->created_stack = trace_actor(trace, r->peer)->created_stack;
}

/* The short way, or the long one where the engine would have it so. */
static void lock(const struct trace_event *e)
{
	const struct gosan_trace_rec *r = &e->rec;
	struct gosan_g *g = actor(e->g);
	struct gosan_obj *obj = gosan_object_by_id(r->obj);
	bool done = !g || !obj;

	if (done)
		GOSAN_COUNT(lost);
	switch (done ? GOSAN_TRACE_END : r->op) {
	case GOSAN_TRACE_REQUEST:
		if (!gosan_lockpath_request(g, obj, r->mode, r->stack))
			send(e, GOSAN_EV_LOCK_REQUEST);
		break;
	case GOSAN_TRACE_ACQUIRE:
		if (gosan_lockpath_acquire(g, obj, r->mode, r->stack))
			break;
		send(e, GOSAN_EV_LOCK_REQUEST);
		send(e, GOSAN_EV_LOCK_ACQUIRE);
		break;
	case GOSAN_TRACE_TAKE:
		if (!gosan_lockpath_take(g, obj, r->mode, r->stack))
			send(e, GOSAN_EV_LOCK_ACQUIRE);
		break;
	case GOSAN_TRACE_RELEASE:
		if (!gosan_lockpath_release(g, obj, r->mode, r->stack))
			send(e, GOSAN_EV_LOCK_RELEASE);
		break;
	case GOSAN_TRACE_POST:
		if (!gosan_lockpath_post(g, obj, r->stack))
			send(e, GOSAN_EV_SEM_POST);
		break;
	case GOSAN_TRACE_WAIT:
		if (!gosan_lockpath_wait(g, obj, r->stack))
			send(e, GOSAN_EV_SEM_WAITED);
		break;
	default:
		break;
	}
}

static void atomic(struct gosan_g *g, const struct gosan_trace_rec *r)
{
	struct gosan_atomic_stripe *s;

	if (r->op == GOSAN_TRACE_FENCE) {
		gosan_atomic_fence(g, r->mode);
		return;
	}
	s = gosan_atomic_lock(r->addr);
	if (!s)
		return;
	if (r->op == GOSAN_TRACE_LOAD)
		gosan_atomic_loaded(s, g, r->addr, r->mode, r->stack ? GOSAN_ACCESS_IS_STACK | r->stack : 0);
	else
		gosan_atomic_stored(s, g, r->addr, r->mode, r->arg != 0);
	gosan_atomic_unlock(s);
}

static void memory(struct gosan_g *g, const struct gosan_trace_rec *r)
{
	switch (r->op) {
	case GOSAN_TRACE_ACCESS:
		g->n_access++;
		gosan_shadow_access_at(g, r->addr, r->size, (unsigned)r->mode & (GOSAN_WRITE | GOSAN_ATOMIC),
				       r->stack);
		break;
	case GOSAN_TRACE_ALLOC:
		gosan_heap_born(r->addr, r->size, r->stack);
		break;
	case GOSAN_TRACE_DIES:
		gosan_heap_dies(g, r->addr, r->stack);
		break;
	case GOSAN_TRACE_DROP:
		gosan_heap_drop(r->addr);
		break;
	case GOSAN_TRACE_FORGET:
		gosan_shadow_forget(r->addr, r->size);
		break;
	case GOSAN_TRACE_ATOMIC_FORGET:
		gosan_atomic_forget(r->addr, r->size);
		break;
	case GOSAN_TRACE_BENIGN:
		gosan_benign_add(r->addr, r->size);
		break;
	case GOSAN_TRACE_BENIGN_FORGET:
		gosan_benign_forget(r->addr, r->size);
		break;
	default:
		break;
	}
}

static void held(const struct trace_event *e, struct gosan_g *g)
{
	struct gosan_event ev = {.op = GOSAN_EV_LOCK_ACQUIRE,
				 .g = g,
				 .obj = gosan_object_by_id(e->rec.obj),
				 .mode = e->rec.mode,
				 .stack = e->rec.stack,
				 .at = gosan_stamp_of(g)};

	if (ev.obj)
		gosan_held_add(&ev);
}

/* The rest: births, deaths, and what needs the engine lock around it. */
static void other(const struct trace_event *e, struct gosan_g *g)
{
	const struct gosan_trace_rec *r = &e->rec;
	struct gosan_obj *obj = gosan_object_by_id(r->obj), *obj2 = gosan_object_by_id(r->obj2);
	struct gosan_g *peer = actor(r->peer);

	if (r->op == GOSAN_TRACE_COPIED && obj && obj2 && g)
		gosan_lock_copied(obj, obj2, g, r->stack);
	if (r->op == GOSAN_TRACE_SYSTEM_BEGIN && peer)
		gosan_engine_system_begin(peer, obj);
	if (r->op == GOSAN_TRACE_FINISH) {
		gosan_engine_end((enum gosan_end)(r->mode & 3));
		finished = true;
	}
	gosan_engine_lock();
	if (r->op == GOSAN_TRACE_OBJ_NEW)
		new_object(r);
	if (r->op == GOSAN_TRACE_OBJ_DEAD && obj)
		gosan_object_die(obj);
	if (r->op == GOSAN_TRACE_ALONE && g)
		gosan_chain_alone(g);
	if (r->op == GOSAN_TRACE_HELD && g)
		held(e, g);
	if (r->op == GOSAN_TRACE_GONE && peer) {
		peer->ended |= (r->mode & GOSAN_TRACE_GONE_ENDED) != 0;
		peer->joined |= (r->mode & GOSAN_TRACE_GONE_JOINED) != 0;
		peer->was_deaf |= (r->mode & GOSAN_TRACE_GONE_DEAF) != 0;
		if (r->mode & (GOSAN_TRACE_GONE_DEAF | GOSAN_TRACE_GONE_BACK))
			peer->ignored[GOSAN_IGNORED_ORDER] = (r->mode & GOSAN_TRACE_GONE_DEAF) != 0;
		if (r->mode & GOSAN_TRACE_GONE_CHAIN)
			gosan_chain_end(peer);
	}
	gosan_engine_unlock();
}

/* An event before this one is missing: whoever goes on may know anything. Orders that are invented hide races; one that
 * is missed would be a false alarm. */
static void bridge(struct gosan_g *g)
{
	GOSAN_COUNT(lost);
	gosan_clock_fill(&g->strong);
	gosan_clock_fill(&g->weak);
	g->n_sources = GOSAN_SOURCES + 1;
}

static void again(const struct trace_event *e)
{
	struct gosan_g *g = actor(e->g);

	gosan_self = actor(e->runs);
	gosan_engine_replayed_ns = trace_info(trace)->start_ns + e->ns + 1;
	n_asked = 0;
	if (e->gap && g)
		bridge(g);
	if (e->rec.op == GOSAN_TRACE_G_NEW)
		new_g(&e->rec);
	else if (e->rec.op >= GOSAN_TRACE_EVENT)
		send(e, (enum gosan_op)(e->rec.op - GOSAN_TRACE_EVENT));
	else if (e->rec.op >= GOSAN_TRACE_REQUEST && e->rec.op <= GOSAN_TRACE_WAIT)
		lock(e);
	else if (e->rec.op >= GOSAN_TRACE_LOAD && e->rec.op <= GOSAN_TRACE_FENCE && g)
		atomic(g, &e->rec);
	else if (e->rec.op >= GOSAN_TRACE_ACCESS && e->rec.op <= GOSAN_TRACE_BENIGN_FORGET && g)
		memory(g, &e->rec);
	else
		other(e, g);
}

/* ---- around it ---- */

/* Checks that were switched off then are off now. Other settings of then (formats, files) are not ours. */
static void take_checks(const char *options)
{
	char *text = strdup(options), *save;

	for (char *w = text ? strtok_r(text, ":", &save) : NULL; w; w = strtok_r(NULL, ":", &save)) {
		if (strncmp(w, "checks=", 7) == 0 && strcmp(gosan_options.checks, "all") == 0)
			gosan_options.checks = w + 7;
		if (strncmp(w, "no_checks=", 10) == 0 && !*gosan_options.no_checks)
			gosan_options.no_checks = w + 10;
	}
	gosan_options.halt_on_error = false;
}

static int load(void)
{
	const struct trace_info *info = trace_info(trace);
	struct gosan_module *m = calloc(info->n_modules + 1, sizeof *m);
	uintptr_t pcs[GOSAN_STACK_MAX];
	uint32_t n = 0;
	int rc;

	for (size_t i = 0; m && i < info->n_modules; i++) {
		const struct trace_module *from = &info->modules[i];

		m[i] = (struct gosan_module){.path = from->path,
					     .base = from->base,
					     .start = from->start,
					     .end = from->end,
					     .kind = (enum gosan_module_kind)from->kind,
					     .instrumented = from->instrumented,
					     .own_tsan = from->own_tsan};
		snprintf(m[i].build_id, sizeof m[i].build_id, "%s", from->build_id);
	}
	rc = m ? gosan_module_load(m, info->n_modules) : -ENOMEM;
	free(m);
	while (trace_context(trace, n))
		n++;
	if (rc == 0)
		rc = gosan_context_load(trace_context(trace, 0), n);
	if (rc == 0)
		rc = gosan_access_init();
	for (uint32_t id = 1; rc == 0 && trace_has_stack(trace, id); id++)
		gosan_depot_put(pcs, trace_stack(trace, id, pcs, GOSAN_STACK_MAX));
	return rc;
}

static void start_line(const struct trace_info *info)
{
	if (!gosan_stream_begin("start"))
		return;
	gosan_stream_uint("v", 1);
	gosan_stream_uint("pid", (uint64_t)info->pid);
	gosan_stream_uint("ppid", (uint64_t)info->ppid);
	gosan_stream_text("program", info->program);
	gosan_stream_open_list("argv");
	for (size_t i = 0; i < info->n_argv; i++)
		gosan_stream_text(NULL, info->argv[i]);
	gosan_stream_close_list();
	gosan_stream_text("cwd", info->cwd);
	gosan_stream_text("options", info->options);
	gosan_stream_end_line();
}

static void say_not_checked(void (*say)(const char *text))
{
	const struct trace_info *info = trace_info(trace);

	for (size_t i = 0; i < info->n_not_checked; i++)
		say(info->not_checked[i]);
	if (!(info->features & GOSAN_TRACE_ACCESSES))
		say("memory accesses: not recorded");
	for (size_t i = 0; i < info->n_notes; i++)
		say(info->notes[i]);
}

/* The process counted what the replay cannot see; findings are the replay's. What got lost here as well counts. */
static void settle_counters(void)
{
	struct gosan_counters was = trace_info(trace)->counters, *now = gosan_counters;
	struct trace_loss loss;

	trace_loss(trace, &loss);
	was.findings = now->findings;
	was.findings_lost = now->findings_lost;
	was.lost += loss.lost + loss.gaps + loss.damaged + (was.lost < now->lost ? now->lost - was.lost : 0);
	if (was.clock_lost < now->clock_lost)
		was.clock_lost = now->clock_lost;
	if (was.shadow_lost < now->shadow_lost)
		was.shadow_lost = now->shadow_lost;
	if (was.stacks_lost < now->stacks_lost)
		was.stacks_lost = now->stacks_lost;
	if (!trace_info(trace)->ended && !was.events)
		was.events = now->events;
	if (!was.threads)
		was.threads = now->threads;
	*now = was;
}

/* A process that was killed has no end line: then its counters are beside the stream, as a live one's are, and what
 * everybody was doing is told. */
static int finish(const char *out)
{
	const struct trace_info *info = trace_info(trace);
	char path[4096];
	int fd, rc = 0;

	if (!finished && !(info->ended && info->by_exec))
		gosan_engine_end(info->ended ? (enum gosan_end)info->end : GOSAN_END_CRASH);
	if (!info->ended || info->end == GOSAN_END_TIMEOUT) {
		gosan_engine_lock();
		gosan_stream_dump((enum gosan_end)info->end);
		gosan_engine_unlock();
	}
	settle_counters();
	if (info->ended && info->by_exec) {
		gosan_stream_end_exec();
	} else if (info->ended) {
		gosan_stream_end((enum gosan_end)info->end, info->status);
	} else {
		snprintf(path, sizeof path, "%s.ctr", out);
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		if (fd < 0 ||
		    write(fd, gosan_counters, sizeof *gosan_counters) != (ssize_t)sizeof *gosan_counters)
			rc = -errno;
		if (fd >= 0)
			close(fd);
	}
	gosan_stream_close();
	return rc;
}

/* In the child. */
static int replay(const char *process, const char *out, char *err, size_t err_size)
{
	char path[4096];
	struct trace_event e;
	int rc = trace_open(&trace, process, err, err_size);

	if (rc != 0)
		return rc;
	take_checks(trace_info(trace)->options);
	n_actors = trace_actor_room(trace);
	actors = calloc(n_actors + 1, sizeof(*actors));
	gosan_engine_can_act = can_act;
	gosan_race_own_tls = own_tls;
	gosan_stream_not_checked = say_not_checked;
	snprintf(path, sizeof path, "%s.raw", out);
	rc = actors ? load() : -ENOMEM;
	if (rc == 0)
		rc = gosan_stream_open(path);
	if (rc != 0) {
		snprintf(err, err_size, "%s: cannot be replayed: %s", process, strerror(-rc));
		return rc;
	}
	start_line(trace_info(trace));
	while (trace_next(trace, &e))
		again(&e);
	return finish(out);
}

/* What fails, or even crashes over a damaged file, is one process of the recording. */
int replay_process(const char *process, const char *out, char *err, size_t err_size)
{
	int pipe_fd[2], status = 0;
	ssize_t n;
	pid_t child;

	if (pipe2(pipe_fd, O_CLOEXEC) != 0)
		return -errno;
	fflush(NULL);
	child = fork();
	if (child == 0) {
		int rc = replay(process, out, err, err_size);

		if (rc != 0 && write(pipe_fd[1], err, strnlen(err, err_size)) < 0)
			_exit(2);
		_exit(rc != 0);
	}
	close(pipe_fd[1]);
	n = child > 0 ? read(pipe_fd[0], err, err_size - 1) : 0;
	err[n > 0 ? n : 0] = 0;
	close(pipe_fd[0]);
	if (child < 0 || waitpid(child, &status, 0) != child)
		return -ECHILD;
	if (!WIFEXITED(status) && !*err)
		snprintf(err, err_size, "%s: the recording is damaged: it cannot be replayed", process);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EBADMSG;
}
