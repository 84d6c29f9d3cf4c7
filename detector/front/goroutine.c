/* SPDX-License-Identifier: Apache-2.0
 *
 * goroutine.c: the probes of the goroutine runtime, as events. Knows who a probe speaks for and where the
 * program called; judges nothing.
 *
 * Who
 *  - gosan_self is the goroutine that this OS thread runs, as the run probe says; between goroutines it is
 *    the thread's system context, which also stands for timers and signals.
 *  - A probe that names a goroutine speaks for it. When that one is parked, its stack is the one that it
 *    parked with: the caller's stack is somebody else's.
 * Objects that the runtime allocates itself (channels, contexts, tickers) die here: the interposed free
 * does not look at calls by the runtime.
 */
#include "fd.h"
#include "goevent.h"

#include "../context.h"
#include "../recorder.h"
#include "../analyze/analyze.h"
#include "../depot.h"
#include "../lockpath.h"
#include "../module.h"

#include "../../runtime/probe.h"

#include <dlfcn.h>
#include <string.h>

bool gosan_front_attached, gosan_front_faulted, gosan_front_stalled;

__thread struct gosan_g *gosan_front_thread __attribute__((tls_model("initial-exec")));
static __thread struct gosan_g *system_g __attribute__((tls_model("initial-exec")));
static __thread struct gosan_g *interrupted __attribute__((tls_model("initial-exec")));

/* ---- who ---- */

/* Made at first need, one per OS thread that schedules. It never ends: threads of the runtime don't either. */
struct gosan_g *gosan_front_system(void)
{
	if (!system_g) {
		system_g = gosan_engine_new_g(0, true);
		if (!system_g->is_system)
			__atomic_fetch_sub(&gosan_counters->threads, 1, __ATOMIC_RELAXED);
		system_g->is_system = true;
	}
	return system_g;
}

/* A thread of the runtime that has not run a goroutine yet acts for the system. */
struct gosan_g *gosan_goroutine_current(void)
{
	if (!gosan_self)
		gosan_self = gosan_front_system();
	return gosan_self;
}

/* Whom a probe speaks for: NULL is the system. */
struct gosan_g *gosan_goroutine_of(const struct go_ginfo *g)
{
	return g && g->watch ? g->watch : gosan_front_system();
}

/* Where code has hooks, the context of its calls is the stack, as for threads (pthread.c): one look-up, below the call
 * of the runtime. Code without hooks is walked, and so is a runtime that was linked into the program, whose frames
 * can't be told from the program's. */
uint32_t gosan_goroutine_here(const void *frame)
{
	struct gosan_g *g = gosan_self;
	bool hooks = gosan_module_instrumented && gosan_unwind_runtime_apart && g && g->frame > g->frames;
	uintptr_t pc = hooks ? gosan_unwind_pc(frame) : 0;

	if (__builtin_expect(!pc, 0))
		return gosan_unwind_above(frame);
	return GOSAN_STACK_CONTEXT | gosan_context_child(gosan_context_now(g), pc);
}

/* A parked goroutine's wait is stable here: whoever speaks for it holds the lock of the object it waits for. */
static inline uint32_t stack_of(const struct gosan_g *g, const void *frame)
{
	if (g == gosan_self)
		return gosan_goroutine_here(frame);
	return g->wait.why ? g->wait.stack : g->last_stack;
}

/* ---- what ---- */

/* The id of another living object in this memory: somebody copied it. */
static void report_copy(struct gosan_obj *copy, struct gosan_obj *original)
{
	if (!gosan_engine_inside())
		gosan_lock_copied(copy, original, gosan_goroutine_current(),
				  gosan_goroutine_here(__builtin_frame_address(0)));
}

/* Channels are handles: their memory is the runtime's, nobody can copy it. NULL when there is no object or
 * memory is exhausted; the engine counts the event as lost then. */
struct gosan_obj *gosan_goroutine_new_object(struct go_object *o, enum gosan_obj_kind kind)
{
	struct gosan_obj *original = NULL, *obj;

	if (!o)
		return NULL;
	gosan_front_note((uintptr_t)o);
	obj = gosan_engine_object(&o->id, kind, &original);
	if (obj && original && kind != GOSAN_OBJ_CHAN)
		report_copy(obj, original);
	return obj;
}

/* For what has no id word: timers, contexts, tickers. Their addresses are stable while they live. */
static struct gosan_obj *object_at(const void *addr, enum gosan_obj_kind kind)
{
	gosan_front_note((uintptr_t)addr);
	return gosan_engine_object_at((uintptr_t)addr, kind);
}

/* A new object at addr: whatever lived there before is gone. */
static struct gosan_obj *object_born(const void *addr, enum gosan_obj_kind kind)
{
	gosan_front_forget((uintptr_t)addr, 1);
	return object_at(addr, kind);
}

/* The defaults of an event: by the running goroutine, here. */
void gosan_goroutine_emit(struct gosan_event *ev, const void *frame)
{
	if (!ev->g)
		ev->g = gosan_goroutine_current();
	if (!ev->stack)
		ev->stack = stack_of(ev->g, frame);
	gosan_engine_event(ev);
}

/* ---- goroutines ---- */

/* The child's context is made by the parent, so that the edge is there before the child can run. */
static void spawn_child(struct go_ginfo *info)
{
	struct gosan_g *child = gosan_engine_new_g(info->id, false), *parent = gosan_goroutine_current();
	uint32_t stack = gosan_goroutine_here(__builtin_frame_address(0));

	child->fn_name = info->fn_name;
	if (info->name[0])
		strncpy(child->name, info->name, sizeof(child->name) - 1);
	/* Whoever made the first call of the runtime did not create the main goroutine. */
	if (info->id != 1) {
		child->parent = parent;
		child->created_stack = stack;
	}
	info->watch = child;
	EMIT(G_SPAWN, .g = parent, .peer = child, .stack = stack);
	/* What a timer starts has no go statement, and where the scheduler was says nothing. */
	if (parent->is_system)
		child->created_stack = 0;
	/* From here on the main thread runs goroutines only: its own context does nothing any more. */
	if (info->id == 1) {
		gosan_access_adopt(child, parent);
		parent->ended = true;
		GOSAN_RECORD(gosan_recorder_gone(parent, GOSAN_TRACE_GONE_ENDED));
	}
}

/* Before the child can run. */
static void probe_spawn(struct go_ginfo *child)
{
	HOOK(spawn_child(child));
}

/* A stack is used again: what others did on it is history. The main goroutine and threads that were adopted
 * run on a stack that is in use already. */
static void begin(struct go_ginfo *info)
{
	struct gosan_g *g = gosan_goroutine_of(info);

	g->stack_lo = (uintptr_t)info->stack_lo;
	g->stack_hi = (uintptr_t)info->stack_hi;
	if (info->where && g->stack_hi > g->stack_lo) {
		gosan_access_forget(g->stack_lo, g->stack_hi - g->stack_lo);
		gosan_front_forget(g->stack_lo, g->stack_hi - g->stack_lo);
	}
	/* The stack is the go statement's: a goroutine that has done nothing yet has no better one. */
	EMIT(G_START, .g = g, .stack = g->created_stack);
}

static void probe_start(struct go_ginfo *g)
{
	HOOK(begin(g));
}

/* A thread of the program that called the runtime was a goroutine for a while, and is itself again: what it
 * did as the goroutine is part of what its join will acquire. */
static void back_to_thread(struct gosan_g *g)
{
	struct gosan_obj *obj = object_at(&gosan_front_thread, GOSAN_OBJ_OTHER);

	EMIT(HB_RELEASE, .g = g, .obj = obj);
	EMIT(HB_ACQUIRE, .g = gosan_front_thread, .obj = obj, .stack = g->last_stack);
}

static struct gosan_g *nobody_runs(void)
{
	return gosan_front_thread ? gosan_front_thread : gosan_front_system();
}

static void finish(struct go_ginfo *info)
{
	struct gosan_g *g = gosan_goroutine_of(info);

	if (gosan_front_thread && g == gosan_self)
		back_to_thread(g);
	EMIT(G_END, .g = g);
	info->watch = NULL;
	gosan_self = nobody_runs();
	__atomic_store_n(&g->gone, true, __ATOMIC_RELEASE);
}

/* On the goroutine's own stack, which the next one may take over as soon as we return. */
static void probe_end(struct go_ginfo *g)
{
	HOOK(finish(g));
}

/* Always, also while hooks are off: later events have to name the right goroutine. */
static void probe_run(struct go_ginfo *g)
{
	gosan_self = g ? gosan_goroutine_of(g) : nobody_runs();
}

/* Only for reports. The goroutine names itself, so nobody writes at the same time. */
static void probe_named(struct go_ginfo *g)
{
	HOOK(strncpy(gosan_goroutine_of(g)->name, g->name, sizeof(gosan_goroutine_of(g)->name) - 1));
}

/* ---- parking ---- */

/* Channels come by their id word; locks and the like were seen by a request before. */
static enum gosan_obj_kind waited_kind(enum go_wait why)
{
	switch (why) {
	case GO_WAIT_MUTEX:
		return GOSAN_OBJ_MUTEX;
	case GO_WAIT_RLOCK:
	case GO_WAIT_WLOCK:
		return GOSAN_OBJ_RWMUTEX;
	case GO_WAIT_WAITGROUP:
		return GOSAN_OBJ_WAITGROUP;
	case GO_WAIT_COND:
		return GOSAN_OBJ_COND;
	case GO_WAIT_ONCE:
		return GOSAN_OBJ_ONCE;
	case GO_WAIT_NONE:
	case GO_WAIT_CHAN_SEND:
	case GO_WAIT_CHAN_RECV:
	case GO_WAIT_SELECT:
	case GO_WAIT_NIL_CHAN:
	case GO_WAIT_NO_CASES:
	case GO_WAIT_SLEEP:
	case GO_WAIT_IO:
	case GO_WAIT_BLOCKING:
	case GO_WAIT_SIGNAL:
		break;
	}
	return GOSAN_OBJ_CHAN;
}

/* Nobody reads wait.on while wait.why is 0. */
static void park(struct go_ginfo *info, enum go_wait why, const struct go_wait_on *on, size_t n)
{
	struct gosan_g *g = gosan_goroutine_of(info);
	struct gosan_wait *w = &g->wait;

	w->n = n < GOSAN_WAIT_MAX ? n : GOSAN_WAIT_MAX;
	w->truncated = n > GOSAN_WAIT_MAX;
	for (size_t i = 0; i < w->n; i++) {
		w->on[i].obj = on[i].obj ? gosan_goroutine_object(on[i].obj, waited_kind(why)) : NULL;
		w->on[i].op = (int)on[i].op;
	}
	EMIT(G_PARK, .g = g, .arg = (int64_t)why, .obj = w->n == 1 ? w->on[0].obj : NULL);
}

static void probe_park(struct go_ginfo *g, enum go_wait why, const struct go_wait_on *on, size_t n)
{
	HOOK(park(g, why, on, n));
}

/* The waker's event: what it knows does not flow to the woken here, but by the operation that it completed, which is
 * where it stands. */
static void probe_ready(struct go_ginfo *g)
{
	HOOK(EMIT(G_READY, .peer = gosan_goroutine_of(g), .stack = gosan_goroutine_current()->last_stack));
}

/* The flag tells exit.c why the runtime is about to end the process, also when the event is lost. */
static void probe_stalled(void)
{
	gosan_front_stalled = true;
	HOOK(EMIT(STALL));
}

/* A fault names an object without its kind, and the object may be one that we never saw. */
static enum gosan_obj_kind fault_kind(enum go_fault what, const char *message)
{
	switch (what) {
	case GO_FAULT_WG_NEGATIVE:
	case GO_FAULT_WG_REUSE:
		return GOSAN_OBJ_WAITGROUP;
	case GO_FAULT_UNLOCK_OF_UNLOCKED:
		return message && strstr(message, "RWMutex") ? GOSAN_OBJ_RWMUTEX : GOSAN_OBJ_MUTEX;
	case GO_FAULT_COND_UNLOCKED:
		return GOSAN_OBJ_COND;
	case GO_FAULT_SEND_ON_CLOSED:
	case GO_FAULT_CLOSE_OF_CLOSED:
	case GO_FAULT_CLOSE_OF_NIL:
	case GO_FAULT_STACK_OVERFLOW:
	case GO_FAULT_PANIC:
		break;
	}
	return GOSAN_OBJ_CHAN;
}

/* The finding comes before the runtime's message, and before the exit that follows it. */
static void probe_fault(enum go_fault what, struct go_object *obj, const char *message)
{
	gosan_front_faulted = true;
	HOOK(EMIT(FAULT, .arg = (int64_t)what, .obj = gosan_goroutine_object(obj, fault_kind(what, message)),
		  .text = message));
}

/* ---- channels ---- */

static void probe_chan_make(struct go_object *ch, size_t elem_size, size_t cap)
{
	HOOK(EMIT(CHAN_MAKE, .obj = gosan_goroutine_object(ch, GOSAN_OBJ_CHAN), .arg = (int64_t)cap,
		  .size = elem_size));
}

/* The runtime calls these under the channel's lock: the order of the events is the order of the operations. */
static void probe_chan_send(struct go_ginfo *g, struct go_object *ch, size_t slot)
{
	HOOK(EMIT(CHAN_SEND, .g = gosan_goroutine_of(g), .obj = gosan_goroutine_object(ch, GOSAN_OBJ_CHAN),
		  .arg = (int64_t)slot));
}

static void probe_chan_recv(struct go_ginfo *g, struct go_object *ch, size_t slot)
{
	HOOK(EMIT(CHAN_RECV, .g = gosan_goroutine_of(g), .obj = gosan_goroutine_object(ch, GOSAN_OBJ_CHAN),
		  .arg = (int64_t)slot));
}

/* One event for both sides of a rendezvous: two would leave a moment in which only one of them happened. */
static void probe_chan_pair(struct go_ginfo *sender, struct go_ginfo *receiver, struct go_object *ch)
{
	HOOK(EMIT(CHAN_PAIR, .g = gosan_goroutine_of(sender), .peer = gosan_goroutine_of(receiver),
		  .obj = gosan_goroutine_object(ch, GOSAN_OBJ_CHAN)));
}

static void probe_chan_close(struct go_object *ch)
{
	HOOK(EMIT(CHAN_CLOSE, .obj = gosan_goroutine_object(ch, GOSAN_OBJ_CHAN)));
}

static void probe_chan_recv_closed(struct go_ginfo *g, struct go_object *ch)
{
	HOOK(EMIT(CHAN_RECV_CLOSED, .g = gosan_goroutine_of(g),
		  .obj = gosan_goroutine_object(ch, GOSAN_OBJ_CHAN)));
}

/* The id word may be reused at once: the channel has to be dead when we return. */
static void free_chan(struct go_object *ch)
{
	EMIT(CHAN_FREE, .obj = gosan_goroutine_object(ch, GOSAN_OBJ_CHAN), .addr = (uintptr_t)ch,
	     .size = sizeof(*ch));
	gosan_front_forget((uintptr_t)ch, sizeof(*ch));
}

static void probe_chan_free(struct go_object *ch)
{
	HOOK(free_chan(ch));
}

/* ---- time and signals ---- */

/* Store, not merge: a timer that is armed again fires for the new arm only. */
static void probe_timer_arm(void *timer)
{
	HOOK(EMIT(HB_RELEASE_STORE, .obj = object_at(timer, GOSAN_OBJ_TIMER)));
}

/* A timer brings what its armer knew; a signal what its raiser knew. Nothing else is carried over from what
 * this thread did for the system before. */
static void become_system(void *timer)
{
	struct gosan_g *sys = gosan_front_system();

	gosan_engine_system_begin(sys, timer ? object_at(timer, GOSAN_OBJ_TIMER) : NULL);
	if (!timer)
		gosan_signal_received(sys);
}

/* gosan_self changes also while hooks are off: later events have to name the right one. */
static void probe_system_begin(void *timer)
{
	interrupted = gosan_self;
	HOOK(become_system(timer));
	gosan_self = gosan_front_system();
}

static void probe_system_end(void)
{
	gosan_self = interrupted ? interrupted : gosan_front_system();
	interrupted = NULL;
}

/* ---- resources ---- */

/* The parent as an address: contexts may be older than any event that we saw. */
static void probe_ctx_new(void *ctx, void *parent, enum go_ctx_kind kind, struct go_object *done)
{
	HOOK(EMIT(CTX_NEW, .obj = object_born(ctx, GOSAN_OBJ_CONTEXT),
		  .obj2 = gosan_goroutine_object(done, GOSAN_OBJ_CHAN), .arg = (int64_t)kind,
		  .arg2 = (int64_t)(uintptr_t)parent));
}

static void probe_ctx_cancel(void *ctx, bool by_program)
{
	HOOK(EMIT(CTX_CANCEL, .obj = object_at(ctx, GOSAN_OBJ_CONTEXT), .mode = by_program));
}

/* An analyzer decides by this event whether the context was ever cancelled. */
static void free_ctx(void *ctx)
{
	EMIT(CTX_FREE, .obj = object_at(ctx, GOSAN_OBJ_CONTEXT));
	gosan_front_forget((uintptr_t)ctx, 1);
}

static void probe_ctx_free(void *ctx)
{
	HOOK(free_ctx(ctx));
}

static void probe_ticker_new(void *ticker, struct go_object *ch)
{
	HOOK(EMIT(TICKER_NEW, .obj = object_born(ticker, GOSAN_OBJ_TICKER),
		  .obj2 = gosan_goroutine_object(ch, GOSAN_OBJ_CHAN)));
}

static void probe_ticker_stop(void *ticker)
{
	HOOK(EMIT(TICKER_STOP, .obj = object_at(ticker, GOSAN_OBJ_TICKER)));
}

static void probe_notify(struct go_object *ch)
{
	HOOK(EMIT(NOTIFY, .obj = gosan_goroutine_object(ch, GOSAN_OBJ_CHAN)));
}

/* ---- memory ---- */

/* Runtime code is never instrumented: the element of a channel is read and written here, for the program, whose own
 * call of the runtime is the place of the access. As for any access that is not the first of its moment, nothing on the
 * way changes errno, and the flag keeps off the handlers that interrupt it. */
static void probe_access(const void *addr, size_t size, bool write)
{
	if (!size || !gosan_module_instrumented)
		return;
	if (!gosan_front_on || gosan_front_depth > 0 || gosan_ignore > 0) {
		if (gosan_front_on)
			GOSAN_COUNT(lost);
		return;
	}
	gosan_front_depth++;
	gosan_access((uintptr_t)addr, size, write ? GOSAN_WRITE : 0,
		     gosan_unwind_pc(__builtin_frame_address(0)));
	gosan_front_depth--;
}

/* Every entry is set: the runtime checks the table's size and version, not its entries. */
static const struct go_probes probes = {
	.version = GO_PROBE_VERSION,
	.size = sizeof(struct go_probes),
	.spawn = probe_spawn,
	.start = probe_start,
	.end = probe_end,
	.run = probe_run,
	.named = probe_named,
	.park = probe_park,
	.ready = probe_ready,
	.stalled = probe_stalled,
	.fault = probe_fault,
	.chan_make = probe_chan_make,
	.chan_send = probe_chan_send,
	.chan_recv = probe_chan_recv,
	.chan_pair = probe_chan_pair,
	.chan_close = probe_chan_close,
	.chan_recv_closed = probe_chan_recv_closed,
	.chan_free = probe_chan_free,
	.lock_request = gosan_golock_request,
	.lock_acquire = gosan_golock_acquire,
	.lock_release = gosan_golock_release,
	.wg_add = gosan_golock_wg_add,
	.wg_wait = gosan_golock_wg_wait,
	.wg_waited = gosan_golock_wg_waited,
	.once_done = gosan_golock_once_done,
	.once_return = gosan_golock_once_return,
	.cond_wait = gosan_golock_cond_wait,
	.cond_waited = gosan_golock_cond_waited,
	.cond_wake = gosan_golock_cond_wake,
	.timer_arm = probe_timer_arm,
	.system_begin = probe_system_begin,
	.system_end = probe_system_end,
	.ctx_new = probe_ctx_new,
	.ctx_cancel = probe_ctx_cancel,
	.ctx_free = probe_ctx_free,
	.ticker_new = probe_ticker_new,
	.ticker_stop = probe_ticker_stop,
	.notify = probe_notify,
	.fd_acquire = gosan_fd_acquire,
	.fd_release = gosan_fd_release,
	.access = probe_access,
};

/* The runtime may be a shared library or linked into the executable, which then exports this one symbol. */
int gosan_front_attach(void)
{
	int (*attach)(const struct go_probes *) = NULL;
	int rc;

	*(void **)&attach = dlsym(RTLD_DEFAULT, "go_probe_attach");
	if (!attach)
		return -ENOENT;
	rc = attach(&probes);
	gosan_front_attached = rc == 0;
	return rc;
}
