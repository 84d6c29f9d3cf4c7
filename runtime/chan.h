/* SPDX-License-Identifier: Apache-2.0
 *
 * chan.h: what select.c and timers need to know of a channel's inside.
 *
 * The functions named _locked want the channel's lock held and the channel not nil. They complete an
 * operation or leave everything as it was; they never park and never wake: the goroutine that has to
 * become runnable is handed out, for the caller to wake after it released its locks.
 */
#ifndef GO_CHAN_H
#define GO_CHAN_H

#include "waitq.h"

/*
 *              head            tail
 *   buf:  |    |   a  |  b  |       |        count = 2, cap = 5
 *
 * Invariants, under the lock:
 *  - recvq isn't empty only if count == 0, sendq isn't empty only if count == cap; waiters whose select
 *    was won elsewhere don't count. Hence at most one queue is in use, unless both are cases of selects
 *    that offer both directions.
 *  - closed: sendq is empty, recvq too; count only falls.
 *  - tail == (head + count) mod cap. The k-th send and the k-th receive use slot k mod cap, also when the
 *    element goes straight to a parked peer: a watcher keeps one clock per slot.
 */
struct go_chan_of {
	struct go_object obj; /* FIRST member */
	struct go_lock lock;
	size_t elem_size, cap;
	size_t count, head, tail;
	bool closed;
	struct go_waitq recvq, sendq;
	void (*on_free)(void *arg); /* the owner that must know when the channel is freed, see chan.c */
	void *on_free_arg;
	char buf[];
};

/* A select that is waiting. It lies on its goroutine's stack. */
struct go_sel {
	_Atomic uint32_t won; /* 0 until one waker claimed it; whoever claims it must wake it */
	size_t index;         /* the case that the claimer completed */
	bool ok;              /* that case exchanged an element; false: the channel was closed */
};

/* Claim the waiter for waking. False: its select was won by another case. */
static inline bool go__waiter_claim(struct go_waiter *w, bool ok)
{
	if (w->sel != NULL) {
		if (atomic_exchange_explicit(&w->sel->won, 1, memory_order_acq_rel) != 0)
			return false;
		w->sel->index = w->index;
		w->sel->ok = ok;
	}
	w->granted = ok;
	return true;
}

/* self: the operating goroutine, NULL for a timer or a signal. *wake: set to the peer, or untouched.
 * False: the channel is full (empty), and nobody waits. send: the channel must be open. */
bool go__chan_send_locked(struct go_chan_of *ch, struct go_g *self, const void *elem, struct go_g **wake);
bool go__chan_recv_locked(struct go_chan_of *ch, struct go_g *self, void *elem, bool *ok, struct go_g **wake);

/* Could they complete now? Takes waiters off whose select was won elsewhere. */
bool go__chan_send_ready(struct go_chan_of *ch); /* true also when closed */
bool go__chan_recv_ready(struct go_chan_of *ch);

/* What a receive from a closed channel leaves in elem (may be NULL). */
void go__chan_zero(const struct go_chan_of *ch, void *elem);

/* Call fn(arg) when the channel is freed (before its memory goes). One owner. */
void go__chan_on_free(void *chan, void (*fn)(void *arg), void *arg);

#endif
