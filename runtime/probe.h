/* SPDX-License-Identifier: Apache-2.0
 *
 * probe.h: the seam between the goroutine runtime and whoever watches it.
 *
 * The runtime knows nothing of bugs. At each linearisation point it calls one entry of a table of
 * function pointers, if a watcher attached one; in production the table is NULL and each point costs
 * one predicted branch. gosan's preloaded library is the watcher that this was made for.
 *
 * Rules for the caller (the runtime)
 *  - A probe that publishes (release side: unlock, Done, send, close, go) is called before the effect
 *    becomes visible; a probe that observes (acquire side: lock, Wait's return, receive) after it did.
 *    Channel, select, WaitGroup and condition probes are called under the object's own lock, so the
 *    order of calls is the order of the operations on that object.
 *  - Probes that name a goroutine `g` may be called by another one on its behalf (a hand-off to a
 *    parked peer); `g` is then parked and does not run. g == NULL is the system: a timer that fires or
 *    a signal that arrives, between system_begin and system_end.
 *
 * Rules for the watcher
 *  - A probe never blocks on the runtime, never calls it back, never calls malloc, and may be called
 *    on any goroutine's stack (it has at least 16 KiB of room) and on scheduler stacks.
 */
#ifndef GO_PROBE_H
#define GO_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "usdt.h"

#define GO_PROBE_VERSION 1

/* First member of every synchronisation object. `id` belongs to the watcher: 0 until it assigns one.
 * A zeroed object at a used address is therefore a new object, and an id found at an address that it
 * was not given for shows a copy. */
struct go_object {
	uint32_t id;
};

/* What a watcher may know of a goroutine. Lives in the goroutine's control block, which is valid from
 * spawn until the end probe returns. `id` is never reused; the main goroutine's is 1. */
struct go_ginfo {
	uint64_t id;
	void *watch;         /* the watcher's own; NULL at spawn */
	const char *fn_name; /* spelled as in the go statement; static storage */
	void (*fn)(void);
	const char *where; /* "file:line" of the go statement; static storage; NULL for main */
	char name[32];     /* go_set_name; "" when unnamed */
	void *stack_lo;    /* lowest usable byte; set when start is called */
	void *stack_hi;    /* one past the highest */
};

/* Why a goroutine is parked. The order is part of the interface. */
enum go_wait {
	GO_WAIT_NONE,
	GO_WAIT_CHAN_SEND,
	GO_WAIT_CHAN_RECV,
	GO_WAIT_SELECT,
	GO_WAIT_NIL_CHAN, /* send or receive on a nil channel */
	GO_WAIT_NO_CASES, /* select without a case that can ever be ready */
	GO_WAIT_MUTEX,
	GO_WAIT_RLOCK, /* go_rwmutex_rlock */
	GO_WAIT_WLOCK, /* go_rwmutex_lock */
	GO_WAIT_WAITGROUP,
	GO_WAIT_COND,
	GO_WAIT_ONCE,
	GO_WAIT_SLEEP,
	GO_WAIT_IO,       /* netpoll */
	GO_WAIT_BLOCKING, /* inside go_blocking */
	GO_WAIT_SIGNAL,   /* unused by parks; a receive on a go_notify channel is CHAN_RECV */
};

/* One thing that could wake a parked goroutine. */
enum go_wait_op { GO_ON_SEND, GO_ON_RECV, GO_ON_LOCK, GO_ON_RLOCK, GO_ON_WAIT, GO_ON_AFTER };
struct go_wait_on {
	struct go_object *obj; /* NULL for a nil channel or GO_ON_AFTER */
	enum go_wait_op op;
};

/* Misuse that the runtime is about to punish with a panic (exit 2), or that it merely noticed. */
enum go_fault {
	GO_FAULT_SEND_ON_CLOSED,
	GO_FAULT_CLOSE_OF_CLOSED,
	GO_FAULT_CLOSE_OF_NIL,
	GO_FAULT_WG_NEGATIVE,
	GO_FAULT_WG_REUSE,
	GO_FAULT_UNLOCK_OF_UNLOCKED,
	GO_FAULT_COND_UNLOCKED, /* go_cond_wait without the mutex held */
	GO_FAULT_STACK_OVERFLOW,
	GO_FAULT_PANIC, /* go_panic by the program */
};

enum go_lock_mode { GO_LOCK_WRITE = 0, GO_LOCK_READ = 1, GO_LOCK_TRY = 2 }; /* TRY is or-ed in */
enum go_lock_kind { GO_MUTEX, GO_RWMUTEX };
enum go_ctx_kind { GO_CTX_CANCEL, GO_CTX_DEADLINE, GO_CTX_VALUE };

/* The table. `size` is sizeof(struct go_probes) as the watcher was compiled; every entry is set. */
struct go_probes {
	uint32_t version; /* GO_PROBE_VERSION */
	uint32_t size;

	/* Goroutines. spawn: by the parent (or the system). start: on the child's stack, before its
	 * function. end: on its stack, after function and defers. run: this OS thread executes g from
	 * now on, NULL the scheduler itself. The main goroutine gets spawn, start, run when the
	 * runtime starts. */
	void (*spawn)(struct go_ginfo *child);
	void (*start)(struct go_ginfo *g);
	void (*end)(struct go_ginfo *g);
	void (*run)(struct go_ginfo *g);
	void (*named)(struct go_ginfo *g);

	/* Parking. park: g, on its own stack, is about to stop until ready (locks still held). Also
	 * called for sleep, I/O and go_blocking. ready: somebody made it runnable again. */
	void (*park)(struct go_ginfo *g, enum go_wait why, const struct go_wait_on *on, size_t n);
	void (*ready)(struct go_ginfo *g);
	/* Nothing can run any more and no timer, descriptor or signal can change that. Called once,
	 * before the runtime prints its message and exits. */
	void (*stalled)(void);
	/* Called before the message of the panic is printed. obj may be NULL. */
	void (*fault)(enum go_fault what, struct go_object *obj, const char *message);

	/* Channels. slot = index in the ring buffer, 0..cap-1. pair: unbuffered rendezvous. A hand-off
	 * to a parked peer of a buffered channel is reported as both operations on the same slot. */
	void (*chan_make)(struct go_object *ch, size_t elem_size, size_t cap);
	void (*chan_send)(struct go_ginfo *g, struct go_object *ch, size_t slot);
	void (*chan_recv)(struct go_ginfo *g, struct go_object *ch, size_t slot);
	void (*chan_pair)(struct go_ginfo *sender, struct go_ginfo *receiver, struct go_object *ch);
	void (*chan_close)(struct go_object *ch);
	void (*chan_recv_closed)(struct go_ginfo *g, struct go_object *ch);
	void (*chan_free)(struct go_object *ch);

	/* Locks. request: before a blocking attempt (also when it then succeeds at once). mode is
	 * enum go_lock_mode; a failed trylock reports nothing. */
	void (*lock_request)(struct go_object *l, enum go_lock_kind kind, int mode);
	void (*lock_acquire)(struct go_object *l, enum go_lock_kind kind, int mode);
	void (*lock_release)(struct go_object *l, enum go_lock_kind kind, int mode);

	/* WaitGroups: add with the counter that results; wait at the call; waited at the return. */
	void (*wg_add)(struct go_object *wg, int64_t delta, int64_t counter);
	void (*wg_wait)(struct go_object *wg);
	void (*wg_waited)(struct go_object *wg);

	/* once_done: f has returned. once_return: a go_once_do returns (all callers). */
	void (*once_done)(struct go_object *once);
	void (*once_return)(struct go_object *once);

	/* Condition variables. wait: at the call, mutex still held, in the order in which waiters
	 * queue; the unlock and the lock of the mutex are reported as lock events too. wake: woken is
	 * how many waiters it woke. */
	void (*cond_wait)(struct go_object *cond, struct go_object *mu);
	void (*cond_waited)(struct go_object *cond, struct go_object *mu);
	void (*cond_wake)(struct go_object *cond, bool broadcast, size_t woken);

	/* Time and signals. timer_arm: release by the goroutine that arms (timer = any stable address).
	 * Between system_begin(timer) and system_end this OS thread acts for the system with the clock
	 * of the arm; signal deliveries use system_begin(NULL). */
	void (*timer_arm)(void *timer);
	void (*system_begin)(void *timer);
	void (*system_end)(void);

	/* Resources. */
	void (*ctx_new)(void *ctx, void *parent, enum go_ctx_kind kind, struct go_object *done);
	void (*ctx_cancel)(void *ctx, bool by_program); /* false: deadline or parent */
	void (*ctx_free)(void *ctx);
	void (*ticker_new)(void *ticker, struct go_object *ch);
	void (*ticker_stop)(void *ticker);
	void (*notify)(struct go_object *ch); /* signals, or a timer's value, may arrive on ch */

	/* Descriptors: after a read / accept returned data; before a write. */
	void (*fd_acquire)(int fd);
	void (*fd_release)(int fd);

	/* The goroutine itself read or wrote memory through the runtime: a channel element, go_read. */
	void (*access)(const void *addr, size_t size, bool write);
};

/* The attached table, or NULL. Only the runtime itself sees it, so that each point costs one compare with
 * memory and one branch, without a detour over a table of global symbols. */
extern const struct go_probes *go_probe_table __attribute__((visibility("hidden")));

/* How many threads of its own the watcher has started in this process. They never call the runtime; without
 * knowing them, it would take them for threads that may still end a standstill. */
extern _Atomic unsigned go_probe_threads;

/* Attach a table (static storage). Call before the first call of any other function of the runtime,
 * from one thread. 0, -EINVAL when the version or size do not fit, -EBUSY when the runtime runs. */
int go_probe_attach(const struct go_probes *table);

/* The same point is a tracepoint for tracers of the system. */
#define GO_PROBE(entry, ...) \
	do { \
		GO_USDT(entry, ##__VA_ARGS__); \
		if (__builtin_expect(go_probe_table != NULL, 0)) \
			go_probe_table->entry(__VA_ARGS__); \
	} while (0)

#endif
