/* SPDX-License-Identifier: Apache-2.0
 *
 * netpoll.c: goroutines that wait for descriptors, on one epoll instance.
 *
 * One record per descriptor number, with the goroutines that wait for it. Interest is one-shot: each wait
 * arms the union of what all waiters of that descriptor want. A closed descriptor drops out of epoll by
 * itself, and the next wait on the reused number adds it again, so nothing needs to be told of a close.
 *
 * A wait that a context may end is a select of two: its waiter is linked here and queued at the context's done
 * channel, and whoever claims it first (go_sel.won) wakes it.
 *
 * Lock context: a record's lock is held from linking a waiter until it is parked. The count of waiters
 * falls only after they were queued as runnable: a standstill seen meanwhile would be a false one.
 */
#include "chan.h"
#include "scheduler.h"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define CHUNK  1024
#define CHUNKS 1024 /* a million descriptors */
#define KICK   UINT64_MAX

struct waiter {
	struct go_g *g;
	struct desc *desc;
	struct waiter *next;
	short events, ready;
	bool linked;
	struct go_sel *sel; /* of a wait that a context may end, or NULL */
};

struct desc {
	struct go_lock lock;
	bool added;
	struct waiter *first;
};

static int epoll = -1;
static _Atomic int kick_fd = -1;
static struct desc *_Atomic chunks[CHUNKS];

/* Before any poller can exist: a kick never finds the descriptor missing. */
static void start(void)
{
	struct epoll_event ev = {.events = EPOLLIN, .data = {.u64 = KICK}};
	epoll = epoll_create1(EPOLL_CLOEXEC);
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (epoll < 0 || fd < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ev) != 0)
		go__fatal("cannot poll descriptors: error %d", errno);
	atomic_store(&kick_fd, fd);
}

void go__netpoll_start(void)
{
	start();
}

/* From any context, handlers included: one write, and errno as it was. */
void go__netpoll_kick(void)
{
	uint64_t one = 1;
	int saved = errno;
	ssize_t n = write(atomic_load(&kick_fd), &one, sizeof(one));
	(void)n; /* full: it is readable anyway */
	errno = saved;
}

/* Two levels, so that a large descriptor number costs a chunk and not a table. Chunks are never freed. */
static struct desc *desc_of(int fd)
{
	size_t i = (size_t)fd / CHUNK;
	if (fd < 0 || i >= CHUNKS)
		return NULL;
	struct desc *chunk = atomic_load(&chunks[i]), *none = NULL;
	if (chunk == NULL) {
		chunk = go__alloc(CHUNK * sizeof(*chunk));
		if (chunk == NULL)
			return NULL;
		if (!atomic_compare_exchange_strong(&chunks[i], &none, chunk)) {
			go__free(chunk, CHUNK * sizeof(*chunk));
			chunk = none;
		}
	}
	return &chunk[fd % CHUNK];
}

/* Under the record's lock. `added` is a hint: a closed descriptor fell out of the set, and the same number
 * may have been added by an earlier owner; the other operation then fits. */
static int arm(struct desc *d, int fd)
{
	struct epoll_event ev = {.events = EPOLLONESHOT, .data = {.u64 = (uint64_t)fd}};
	for (struct waiter *w = d->first; w != NULL; w = w->next)
		ev.events |= (w->events & POLLIN ? EPOLLIN | EPOLLRDHUP : 0U) |
			     (w->events & POLLOUT ? EPOLLOUT : 0U);
	int op = d->added ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
	int err = epoll_ctl(epoll, op, fd, &ev);
	if (err != 0 && (errno == ENOENT || errno == EEXIST)) {
		op = op == EPOLL_CTL_MOD ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
		err = epoll_ctl(epoll, op, fd, &ev);
	}
	if (err != 0)
		return -errno;
	d->added = true;
	return 0;
}

/* Under the record's lock. The lists are short: a descriptor rarely has more than a reader and a writer. */
static void unlink_waiter(struct desc *d, struct waiter *w)
{
	struct waiter **at = &d->first;
	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	w->linked = false;
}

/* False: its context has ended it already. */
static bool claim(struct waiter *w)
{
	return w->sel == NULL || atomic_exchange_explicit(&w->sel->won, 1, memory_order_acq_rel) == 0;
}

/* The race with the event is decided under the record's lock: whoever unlinks the waiter readies it. */
static void time_out(void *arg)
{
	struct waiter *w = arg;
	struct desc *d = w->desc;
	go__lock(&d->lock);
	struct go_g *g = w->linked ? w->g : NULL;
	if (g != NULL)
		unlink_waiter(d, w);
	go__unlock(&d->lock);
	if (g == NULL)
		return;
	go__ready(g);
	atomic_fetch_sub(&go__sched.io_waiters, 1);
}

/* With the record's lock held; it is released when the goroutine is parked. A timer that fires before
 * that waits for the lock. */
static void park(struct desc *d, struct waiter *w, int64_t timeout, struct go_lock *second)
{
	struct go__timer timer = {.when = 0};
	struct go_lock *unlock[2] = {&d->lock, second};
	atomic_fetch_add(&go__sched.io_waiters, 1);
	if (timeout > 0)
		go__timer_start(&timer, go_now() + timeout, time_out, w);
	go__poller_need(w->g->bound != NULL);
	go__park(GO_WAIT_IO, NULL, 0, unlock, second == NULL ? 1 : 2);
	if (timeout > 0)
		go__timer_stop(&timer);
}

/* One look before queueing: mostly it is ready, and epoll costs two calls more. 0: it is not. */
static int look(int fd, short events)
{
	struct pollfd now = {.fd = fd, .events = events};
	int n = poll(&now, 1, 0);
	if (n < 0)
		return -errno;
	return now.revents & POLLNVAL ? -EBADF : now.revents;
}

/* Under the record's lock. Positive: no need to wait. */
static int link_waiter(struct desc *d, struct waiter *w, int fd)
{
	w->linked = true;
	w->next = d->first;
	d->first = w;
	int err = arm(d, fd);
	if (err == 0)
		return 0;
	unlink_waiter(d, w);
	return err == -EPERM ? w->events : err; /* a file: always ready */
}

int go_wait_fd(int fd, short events, int64_t timeout)
{
	return go__wait_fd(fd, events, timeout, true);
}

int go__wait_fd(int fd, short events, int64_t timeout, bool look_first)
{
	struct waiter w = {.g = go__self(), .desc = desc_of(fd), .events = events};
	struct desc *d = w.desc;
	if (d == NULL)
		return fd < 0 ? -EBADF : -ENOMEM;
	int ready = look_first ? look(fd, events) : 0;
	if (ready != 0 || timeout == 0)
		return ready;
	go__lock(&d->lock);
	ready = link_waiter(d, &w, fd);
	if (ready != 0) {
		go__unlock(&d->lock);
		return ready;
	}
	park(d, &w, timeout, NULL);
	return w.ready;
}

/* Woken, or not parked at all: off both queues. A waiter that only one of them let go is still in the other. */
static void leave(struct desc *d, struct waiter *w, struct go_chan_of *done, struct go_waiter *at_done)
{
	go__lock(&d->lock);
	if (w->linked)
		unlink_waiter(d, w);
	go__unlock(&d->lock);
	go__lock(&done->lock);
	go__waitq_remove(&done->recvq, at_done);
	go__unlock(&done->lock);
}

int go_wait_fd_ctx(struct go_context *ctx, int fd, short events)
{
	return go__wait_fd_ctx(ctx, fd, events, true);
}

int go__wait_fd_ctx(struct go_context *ctx, int fd, short events, bool look_first)
{
	struct go_chan_of *done = (struct go_chan_of *)(void *)go_done(ctx);
	struct go_sel sel = {.won = 0};
	struct waiter w = {.g = go__self(), .desc = desc_of(fd), .events = events, .sel = &sel};
	struct go_waiter at_done = {.g = w.g, .sel = &sel};
	struct desc *d = w.desc;
	int ready = go_err(ctx);
	if (ready == 0 && done == NULL)
		return go__wait_fd(fd, events, -1, look_first);
	if (ready == 0)
		ready = d == NULL ? (fd < 0 ? -EBADF : -ENOMEM) : look_first ? look(fd, events) : 0;
	if (ready != 0)
		return ready;
	go__lock(&d->lock);
	go__lock(&done->lock);
	bool closed = done->closed;
	ready = closed ? 0 : link_waiter(d, &w, fd);
	if (closed || ready != 0) {
		go__unlock(&done->lock);
		go__unlock(&d->lock);
		return closed ? go_err(ctx) : ready;
	}
	go__waitq_push(&done->recvq, &at_done);
	park(d, &w, -1, &done->lock);
	leave(d, &w, done, &at_done);
	if (w.ready != 0)
		return w.ready;
	atomic_fetch_sub(&go__sched.io_waiters, 1);
	return go_err(ctx);
}

/* ---- the poller's side ---- */

/* A hang-up or an error ends every wait: the call that follows will tell. */
static short poll_bits(uint32_t events)
{
	short bits = 0;
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		bits |= POLLIN;
	if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		bits |= POLLOUT;
	return bits;
}

/* Ready those that wait for it. A waiter lies on its goroutine's stack: gone once that runs. */
static void happened(int fd, uint32_t events)
{
	struct desc *d = desc_of(fd);
	struct waiter *woken = NULL;
	short bits = poll_bits(events);
	int32_t n = 0;
	go__lock(&d->lock);
	for (struct waiter *w = d->first, *next; w != NULL; w = next) {
		next = w->next;
		if (!(w->events & bits))
			continue;
		unlink_waiter(d, w);
		if (!claim(w))
			continue;
		w->ready = w->events & bits;
		w->next = woken;
		woken = w;
	}
	if (d->first != NULL)
		arm(d, fd);
	go__unlock(&d->lock);
	while (woken != NULL) {
		struct waiter *w = woken;
		woken = w->next;
		go__ready(w->g);
		n++;
	}
	atomic_fetch_sub(&go__sched.io_waiters, n);
}

void go__netpoll_wait(int64_t ns)
{
	struct epoll_event events[128];
	uint64_t count;
	int n = go__sys_epoll_wait(epoll, events, 128, ns);
	if (GO_UNLIKELY(n == -EBADF))
		go__fatal("the program closed a descriptor of the goroutine runtime");
	for (int i = 0; i < n; i++) {
		if (events[i].data.u64 == KICK) {
			ssize_t got = read(atomic_load(&kick_fd), &count, sizeof(count));
			(void)got;
		} else {
			happened((int)events[i].data.u64, events[i].events);
		}
	}
}

/* In the child of a fork: the epoll instance is shared with the parent, its waiters are gone. */
void go__netpoll_reset(void)
{
	close(epoll);
	close(atomic_load(&kick_fd));
	for (size_t i = 0; i < CHUNKS; i++) {
		struct desc *chunk = atomic_load(&chunks[i]);
		if (chunk != NULL)
			go__zero(chunk, CHUNK * sizeof(*chunk));
	}
	start();
}
