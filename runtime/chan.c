/* SPDX-License-Identifier: Apache-2.0
 *
 * chan.c: channels.
 *
 * One lock per channel covers everything, also the copy of an element from or to the stack of a parked
 * peer: a parked goroutine's stack does not move and its waiter stays until a waker took it off. An
 * operation is straight line: closed? a peer that waits? the buffer? park. Whoever completes an
 * operation for a parked peer reports it to the watcher on the peer's behalf, so that the probes of one
 * channel come in the order of its operations (Go memory model, "Channel communication").
 */
#include "chan.h"

/* Elements of a channel take no more than this in total; the sum with the header must not overflow. */
#define GO_CHAN_BYTES_MAX (SIZE_MAX / 4)

static inline struct go_ginfo *info(struct go_g *g)
{
	return g ? &g->info : NULL;
}

static inline char *slot_at(struct go_chan_of *ch, size_t slot)
{
	return ch->buf + slot * ch->elem_size;
}

/* No division: capacities are rarely powers of two. */
static inline size_t next_slot(const struct go_chan_of *ch, size_t slot)
{
	return slot + 1 == ch->cap ? 0 : slot + 1;
}

void go__chan_zero(const struct go_chan_of *ch, void *elem)
{
	static const char zeroes[64];
	size_t n = elem != NULL ? ch->elem_size : 0;
	for (char *p = elem; n > 0;) {
		size_t part = n < sizeof(zeroes) ? n : sizeof(zeroes);
		go__copy(p, zeroes, part);
		p += part;
		n -= part;
	}
}

/* Words are what most channels carry. */
static inline void copy_elem(const struct go_chan_of *ch, void *to, const void *from)
{
	if (ch->elem_size == sizeof(go__word))
		*(go__word *)to = *(const go__word *)from;
	else if (ch->elem_size == sizeof(go__half))
		*(go__half *)to = *(const go__half *)from;
	else
		go__copy(to, from, ch->elem_size);
}

static inline void take(const struct go_chan_of *ch, void *elem, const void *from)
{
	if (elem != NULL)
		copy_elem(ch, elem, from);
}

/* Take the first waiter off, claimed or not. The claim comes first: a waiter whose claim fails belongs to a
 * select that is on its way out, and may be gone as soon as it is off the queue. */
static inline bool claim_and_pop(struct go_waitq *q, bool ok)
{
	bool claimed = go__waiter_claim(q->first, ok);
	go__waitq_pop(q);
	return claimed;
}

/* The first waiter that can still be claimed, claimed and taken off. */
static inline struct go_waiter *dequeue(struct go_waitq *q)
{
	for (struct go_waiter *w; (w = q->first) != NULL;)
		if (claim_and_pop(q, true))
			return w;
	return NULL;
}

/* Is there a waiter that can still be claimed? It may be claimed by another channel the next moment. */
static bool has_waiter(struct go_waitq *q)
{
	while (q->first != NULL && q->first->sel != NULL && atomic_load(&q->first->sel->won) != 0)
		go__waitq_pop(q);
	return q->first != NULL;
}

/* ------------------------------------------------------------------------- operations, lock held -- */

/* An element that goes straight to a receiver passes the slot in spirit: the send releases to it and the
 * receive acquires from it, as they would have with a slower receiver. */
static void report_buffered(struct go_chan_of *ch, struct go_g *sender, struct go_g *receiver, size_t slot)
{
	GO_PROBE(chan_send, info(sender), &ch->obj, slot);
	GO_PROBE(chan_recv, info(receiver), &ch->obj, slot);
}

/* A receiver waits, so the buffer is empty and order is kept. Its memory is written here but reported by
 * itself when it runs, since it is the one who reads it. False: its select was won elsewhere. */
static __attribute__((noinline)) bool hand_over(struct go_chan_of *ch, struct go_g *self, const void *elem,
						struct go_g **wake)
{
	struct go_waiter *w = dequeue(&ch->recvq);
	if (w == NULL)
		return false;
	take(ch, w->elem, elem);
	if (ch->cap == 0) {
		GO_PROBE(chan_pair, info(self), &w->g->info, &ch->obj);
	} else {
		report_buffered(ch, self, w->g, ch->tail);
		ch->head = ch->tail = next_slot(ch, ch->tail);
	}
	*wake = w->g;
	return true;
}

static inline bool send_locked(struct go_chan_of *ch, struct go_g *self, const void *elem, struct go_g **wake)
{
	if (ch->recvq.first != NULL && hand_over(ch, self, elem, wake))
		return true;
	if (ch->count == ch->cap)
		return false;
	copy_elem(ch, slot_at(ch, ch->tail), elem);
	GO_PROBE(chan_send, info(self), &ch->obj, ch->tail);
	ch->tail = next_slot(ch, ch->tail);
	ch->count++;
	return true;
}

bool go__chan_send_locked(struct go_chan_of *ch, struct go_g *self, const void *elem, struct go_g **wake)
{
	return send_locked(ch, self, elem, wake);
}

/* The buffer is full: the receiver takes the oldest element, and the sender's goes into the slot that
 * became free, which is the same one. */
static void recv_and_refill(struct go_chan_of *ch, struct go_g *self, void *elem, struct go_waiter *sender)
{
	size_t slot = ch->head;
	take(ch, elem, slot_at(ch, slot));
	GO_PROBE(chan_recv, info(self), &ch->obj, slot);
	copy_elem(ch, slot_at(ch, slot), sender->elem);
	GO_PROBE(chan_send, &sender->g->info, &ch->obj, slot);
	ch->head = ch->tail = next_slot(ch, slot);
}

/* A sender waits, so the buffer is full or there is none. False: its select was won elsewhere. */
static __attribute__((noinline)) bool take_over(struct go_chan_of *ch, struct go_g *self, void *elem,
						struct go_g **wake)
{
	struct go_waiter *w = dequeue(&ch->sendq);
	if (w == NULL)
		return false;
	if (ch->cap == 0) {
		take(ch, elem, w->elem);
		GO_PROBE(chan_pair, &w->g->info, info(self), &ch->obj);
	} else {
		recv_and_refill(ch, self, elem, w);
	}
	*wake = w->g;
	return true;
}

static inline bool recv_locked(struct go_chan_of *ch, struct go_g *self, void *elem, bool *ok,
			       struct go_g **wake)
{
	*ok = true;
	if (ch->sendq.first != NULL && take_over(ch, self, elem, wake))
		return true;
	if (ch->count > 0) {
		take(ch, elem, slot_at(ch, ch->head));
		GO_PROBE(chan_recv, info(self), &ch->obj, ch->head);
		ch->head = next_slot(ch, ch->head);
		ch->count--;
		return true;
	}
	/* Closed comes last in the order of the elements. */
	*ok = false;
	if (ch->closed) {
		GO_PROBE(chan_recv_closed, info(self), &ch->obj);
		go__chan_zero(ch, elem);
	}
	return ch->closed;
}

bool go__chan_recv_locked(struct go_chan_of *ch, struct go_g *self, void *elem, bool *ok, struct go_g **wake)
{
	return recv_locked(ch, self, elem, ok, wake);
}

bool go__chan_send_ready(struct go_chan_of *ch)
{
	return ch->closed || ch->count < ch->cap || has_waiter(&ch->recvq);
}

bool go__chan_recv_ready(struct go_chan_of *ch)
{
	return ch->closed || ch->count > 0 || has_waiter(&ch->sendq);
}

/* --------------------------------------------------------------------------------------- blocking -- */

/* No lock, for nobody will ever look for this goroutine. */
static _Noreturn void wait_on_nil(enum go_wait_op op)
{
	struct go_wait_on on = {.obj = NULL, .op = op};
	go__self();
	for (;;)
		go__park(GO_WAIT_NIL_CHAN, &on, 1, NULL, 0);
}

/* Queue up and stop. True: a peer completed the operation; false: the channel was closed. */
static bool wait_in(struct go_waitq *q, struct go_chan_of *ch, struct go_g *self, void *elem,
		    enum go_wait why)
{
	struct go_waiter w;
	w.g = self;
	w.elem = elem;
	w.sel = NULL;
	go__waitq_push(q, &w);
	go__park_one(why, &ch->obj, why == GO_WAIT_CHAN_SEND ? GO_ON_SEND : GO_ON_RECV, &ch->lock);
	return w.granted;
}

/* All that can happen, lock held: a select at the other end, a closed channel, a watcher, parking. */
static __attribute__((noinline)) void go__chan_send_rest(struct go_chan_of *ch, struct go_g *self,
							 const void *elem)
{
	struct go_g *wake = NULL;
	bool closed = ch->closed;
	if (!closed && !send_locked(ch, self, elem, &wake)) {
		/* A waiter's elem is only written for receivers. */
		closed = !wait_in(&ch->sendq, ch, self, (void *)(uintptr_t)elem, GO_WAIT_CHAN_SEND);
	} else {
		go__unlock(&ch->lock);
	}
	if (closed)
		go__fault(GO_FAULT_SEND_ON_CLOSED, &ch->obj, "send on closed channel");
	if (wake != NULL)
		go__ready(wake);
}

static __attribute__((noinline)) bool go__chan_recv_rest(struct go_chan_of *ch, struct go_g *self, void *elem)
{
	struct go_g *wake = NULL;
	bool ok = false;
	if (recv_locked(ch, self, elem, &ok, &wake)) {
		go__unlock(&ch->lock);
		if (wake != NULL)
			go__ready(wake);
	} else {
		ok = wait_in(&ch->recvq, ch, self, elem, GO_WAIT_CHAN_RECV);
		if (!ok)
			go__chan_zero(ch, elem);
	}
	if (elem != NULL && ch->elem_size > 0)
		GO_PROBE(access, elem, ch->elem_size, true);
	return ok;
}

/* The program's read of the element comes before the release that the send is. */
static __attribute__((noinline)) void go__chan_send_slow(struct go_chan_of *ch, const void *elem)
{
	if (ch == NULL)
		wait_on_nil(GO_ON_SEND);
	struct go_g *self = go__self();
	if (ch->elem_size > 0)
		GO_PROBE(access, elem, ch->elem_size, false);
	go__lock(&ch->lock);
	go__chan_send_rest(ch, self, elem);
}

static __attribute__((noinline)) bool go__chan_recv_slow(struct go_chan_of *ch, void *elem)
{
	if (ch == NULL)
		wait_on_nil(GO_ON_RECV);
	struct go_g *self = go__self();
	go__lock(&ch->lock);
	return go__chan_recv_rest(ch, self, elem);
}

/* A peer that does nothing but wait for this channel, and so can be had without a claim. */
static inline struct go_waiter *plain_waiter(const struct go_waitq *q)
{
	struct go_waiter *w = q->first;
	return w != NULL && w->sel == NULL ? w : NULL;
}

/* Unlock, and let the peer go on, whose part has been done for it. */
static inline void release(struct go_chan_of *ch, struct go_waiter *w)
{
	struct go_g *g = w->g;
	w->granted = true;
	go__unlock(&ch->lock);
	go__ready(g);
}

/* The two things that most operations of an unwatched program are, a rendezvous without a buffer and a move
 * into or out of it, in a small frame; whatever else is found goes on in the general way, with the lock. A
 * waiter in the queue of the other side excludes "closed". */
void go_chan_send_(struct go_chan_of *ch, const void *elem)
{
	if (GO_UNLIKELY(ch == NULL || go_probe_table != NULL)) {
		go__chan_send_slow(ch, elem);
		return;
	}
	struct go_g *self = go__self();
	go__lock(&ch->lock);
	if (ch->cap == 0) {
		struct go_waiter *w = plain_waiter(&ch->recvq);
		if (w != NULL) {
			go__waitq_pop(&ch->recvq);
			take(ch, w->elem, elem);
			GO_USDT(chan_pair, self, w->g, ch);
			release(ch, w);
			return;
		}
	} else if (ch->count < ch->cap && ch->recvq.first == NULL && !ch->closed) {
		copy_elem(ch, slot_at(ch, ch->tail), elem);
		GO_USDT(chan_send, self, ch, ch->tail);
		ch->tail = next_slot(ch, ch->tail);
		ch->count++;
		go__unlock(&ch->lock);
		return;
	}
	go__chan_send_rest(ch, self, elem);
}

bool go_chan_recv_(struct go_chan_of *ch, void *elem)
{
	if (GO_UNLIKELY(ch == NULL || go_probe_table != NULL))
		return go__chan_recv_slow(ch, elem);
	struct go_g *self = go__self();
	go__lock(&ch->lock);
	if (ch->cap == 0) {
		struct go_waiter *w = plain_waiter(&ch->sendq);
		if (w != NULL) {
			go__waitq_pop(&ch->sendq);
			take(ch, elem, w->elem);
			GO_USDT(chan_pair, w->g, self, ch);
			release(ch, w);
			return true;
		}
	} else if (ch->count > 0 && ch->sendq.first == NULL) {
		take(ch, elem, slot_at(ch, ch->head));
		GO_USDT(chan_recv, self, ch, ch->head);
		ch->head = next_slot(ch, ch->head);
		ch->count--;
		go__unlock(&ch->lock);
		return true;
	}
	return go__chan_recv_rest(ch, self, elem);
}

/* For timers and signals: they act for nobody, never wait, and a closed channel is as good as a full one. */
bool go__chan_try_send(void *chan, const void *elem)
{
	struct go_chan_of *ch = chan;
	struct go_g *wake = NULL;
	go__lock(&ch->lock);
	bool sent = !ch->closed && go__chan_send_locked(ch, NULL, elem, &wake);
	go__unlock(&ch->lock);
	if (wake != NULL)
		go__ready(wake);
	return sent;
}

/* ----------------------------------------------------------------------------------- make and end -- */

struct go_chan_of *go_chan_make_(size_t elem_size, size_t cap)
{
	go__self();
	if (elem_size != 0 && cap > GO_CHAN_BYTES_MAX / elem_size)
		go_panic("makechan: size out of range");
	struct go_chan_of *ch = go__alloc(sizeof(*ch) + elem_size * cap);
	if (ch == NULL)
		go_panic("makechan: out of memory");
	ch->elem_size = elem_size;
	ch->cap = cap;
	GO_PROBE(chan_make, &ch->obj, elem_size, cap);
	return ch;
}

/* Take every waiter off, and chain those that can be claimed by `next`; the end of the chain. None of their
 * goroutines runs before go__ready(), so the chain may be walked after the lock is released. It is no queue: a
 * select that finds its waiter queued takes it off, by the links of neighbours that may be gone. */
static struct go_waiter **detach_all(struct go_waitq *from, struct go_waiter **end)
{
	for (struct go_waiter *w; (w = from->first) != NULL;) {
		if (claim_and_pop(from, false)) {
			*end = w;
			end = &w->next;
		}
	}
	*end = NULL;
	return end;
}

void go_chan_close_(struct go_chan_of *ch)
{
	go__self();
	if (ch == NULL)
		go__fault(GO_FAULT_CLOSE_OF_NIL, NULL, "close of nil channel");
	struct go_waiter *woken, **end;
	go__lock(&ch->lock);
	if (ch->closed) {
		go__unlock(&ch->lock);
		go__fault(GO_FAULT_CLOSE_OF_CLOSED, &ch->obj, "close of closed channel");
	}
	/* Release, then the effect; what the receivers learn from it is told in their name, in order. */
	GO_PROBE(chan_close, &ch->obj);
	ch->closed = true;
	end = detach_all(&ch->recvq, &woken);
	for (struct go_waiter *w = woken; w != NULL; w = w->next)
		GO_PROBE(chan_recv_closed, &w->g->info, &ch->obj);
	/* Senders that wait wake up to panic. */
	detach_all(&ch->sendq, end);
	go__unlock(&ch->lock);
	for (struct go_waiter *w = woken, *next; w != NULL; w = next) {
		next = w->next; /* w is gone as soon as its goroutine runs */
		go__ready(w->g);
	}
}

/* Monitors only: the numbers may be old when the caller looks at them. */
size_t go_chan_len_(struct go_chan_of *ch)
{
	if (ch == NULL)
		return 0;
	go__lock(&ch->lock);
	size_t count = ch->count;
	go__unlock(&ch->lock);
	go__count_unparked();
	return count;
}

size_t go_chan_cap_(struct go_chan_of *ch)
{
	return ch ? ch->cap : 0;
}

void go__chan_on_free(void *chan, void (*fn)(void *arg), void *arg)
{
	struct go_chan_of *ch = chan;
	go__lock(&ch->lock);
	ch->on_free = fn;
	ch->on_free_arg = arg;
	go__unlock(&ch->lock);
}

void go_chan_free_(struct go_chan_of *ch)
{
	if (ch == NULL)
		return;
	go__self();
	GO_PROBE(chan_free, &ch->obj);
	if (ch->on_free != NULL)
		ch->on_free(ch->on_free_arg);
	go__lock(&ch->lock);
	bool in_use = has_waiter(&ch->recvq) || has_waiter(&ch->sendq);
	go__unlock(&ch->lock);
	/* With goroutines parked on it the memory stays: they are lost, but the program doesn't crash on
	 * their account when a timer or another case of their select looks at the channel. */
	if (!in_use)
		go__free(ch, sizeof(*ch) + ch->elem_size * ch->cap);
}
