/* SPDX-License-Identifier: Apache-2.0
 *
 * mutex.c: mutual exclusion between goroutines, with the policy of Go's sync.Mutex.
 *
 * Normal mode: an unlocker wakes the first waiter, which competes with whoever comes along; a goroutine
 * that is running has the better chance, and that is what makes a contended mutex fast. A waiter that
 * loses goes back to the front. Starving: a waiter that tried for 1 ms sets the mode, in which unlock
 * hands the mutex over to the first waiter and newcomers queue; the last waiter, or one that waited less
 * than 1 ms, ends it. So nobody waits for long after the others.
 *
 * go__word is the truth about the lock; LOCKED is taken and given up by compare and swap. The queue, and every
 * change of WAITERS, WOKEN and STARVING, belongs to go__lock. goroutine.h has the fast ways once more, inline: that
 * 0 is free and 1 is locked without waiters is part of the ABI.
 *
 * The unlocker's last access to a mutex is the one that gives it up: the next owner may free the memory, as the last
 * user of a counted object does. So unlock is a swap that fails while anybody waits, and not a subtraction, whose
 * result would have to be acted upon when the mutex is another's already. Go, with its collector, can subtract.
 */
#include "sys.h"
#include "waitq.h"

#define LOCKED   1u
#define WAITERS  2u /* the queue isn't empty */
#define WOKEN    4u /* a waiter was woken and has not decided yet: wake no other */
#define STARVING 8u /* unlock hands over */

#define STARVE_NS GO_MS

/* Tries before a goroutine parks, when another processor may be about to unlock. */
#define SPINS 60

static inline struct go_object *object_of(go_mutex *mu)
{
	return (struct go_object *)(void *)&mu->go__id;
}

_Static_assert(offsetof(struct go_mutex, go__id) == 0 && sizeof(struct go_object) == sizeof(unsigned),
	       "the watcher's id is the first member");

static inline unsigned load(const go_mutex *mu)
{
	return __atomic_load_n(&mu->go__word, __ATOMIC_RELAXED);
}

static inline bool swap(go_mutex *mu, unsigned *old, unsigned new)
{
	return __atomic_compare_exchange_n(&mu->go__word, old, new, false, __ATOMIC_ACQ_REL,
					   __ATOMIC_RELAXED);
}

/* Take it if it is free, and nobody who starves has a claim on it. */
static bool try_lock(go_mutex *mu)
{
	unsigned word = load(mu);
	while (!(word & (LOCKED | STARVING)))
		if (swap(mu, &word, word | LOCKED))
			return true;
	return false;
}

/* go__lock held, `woken` as the caller came from an unlocker. True: locked. False: it isn't free, and
 * WAITERS is set, so that the owner will look at the queue. */
static bool lock_or_announce(go_mutex *mu, bool woken, bool starving)
{
	unsigned word = load(mu);
	for (;;) {
		unsigned without = woken ? word & ~WOKEN : word;
		if (!(word & (LOCKED | STARVING))) {
			if (swap(mu, &word, without | LOCKED))
				return true;
		} else if (swap(mu, &word, without | WAITERS | (starving ? STARVING : 0))) {
			return false;
		}
	}
}

/* A waiter that comes back does not queue behind those who came after it; how long it has tried decides
 * when it starves. */
static void lock_slow(go_mutex *mu)
{
	struct go_lock *l = go__lock_of(&mu->go__lock);
	struct go_waiter w = {.g = go__self()};
	int64_t since = 0;
	for (bool woken = false;; woken = true) {
		go__lock(l);
		bool starving = woken && go_now() - since > STARVE_NS;
		if (lock_or_announce(mu, woken, starving)) {
			go__unlock(l);
			return;
		}
		if (woken)
			go__waitq_push_front(&mu->go__queue, &w);
		else
			go__waitq_push(&mu->go__queue, &w);
		if (since == 0)
			since = go_now();
		w.elem = &since; /* the unlocker judges whether starving goes on */
		go__park_one(GO_WAIT_MUTEX, object_of(mu), GO_ON_LOCK, l);
		if (w.granted)
			return;
	}
}

/* Worth it while the owner runs elsewhere and nobody queues: parking costs more than a short section. */
static void spin(go_mutex *mu, bool *locked)
{
	for (int i = 0; i < SPINS && !*locked; i++) {
		if (load(mu) & (STARVING | WAITERS))
			return;
		go__sys_pause();
		*locked = try_lock(mu);
	}
}

bool go__mutex_is_locked(const go_mutex *mu)
{
	return load(mu) & LOCKED;
}

/* Contended, or watched. */
static __attribute__((noinline)) void go__mutex_lock_rest(go_mutex *mu)
{
	go__probe_started();
	GO_PROBE(lock_request, object_of(mu), GO_MUTEX, GO_LOCK_WRITE);
	bool locked = try_lock(mu);
	if (!locked && go__multi())
		spin(mu, &locked);
	if (!locked)
		lock_slow(mu);
	GO_PROBE(lock_acquire, object_of(mu), GO_MUTEX, GO_LOCK_WRITE);
}

void go_mutex_lock(go_mutex *mu)
{
	unsigned word = 0;
	if (GO_UNLIKELY(go_probe_table != NULL) || !swap(mu, &word, LOCKED))
		go__mutex_lock_rest(mu);
	else
		GO_USDT(lock_acquire, mu, GO_MUTEX, GO_LOCK_WRITE);
}

bool go_mutex_trylock(go_mutex *mu)
{
	go__probe_started();
	if (!try_lock(mu)) {
		go__give_way();
		return false;
	}
	GO_PROBE(lock_acquire, object_of(mu), GO_MUTEX, GO_LOCK_WRITE | GO_LOCK_TRY);
	return true;
}

/* The mutex stays locked and becomes w's. */
static void hand_over(go_mutex *mu, struct go_waiter *w)
{
	const int64_t *since = w->elem;
	bool last = mu->go__queue.first == NULL;
	unsigned clear = last ? WAITERS | STARVING : go_now() - *since < STARVE_NS ? STARVING : 0;
	__atomic_fetch_and(&mu->go__word, ~clear, __ATOMIC_RELEASE);
	w->granted = true;
}

/* go__lock held. Choose a waiter that will compete, unless one is on its way already. */
static struct go_waiter *choose_waiter(go_mutex *mu)
{
	struct go_waiter *w = load(mu) & WOKEN ? NULL : go__waitq_pop(&mu->go__queue);
	if (w != NULL)
		__atomic_fetch_or(&mu->go__word, WOKEN, __ATOMIC_RELAXED);
	if (mu->go__queue.first == NULL)
		__atomic_fetch_and(&mu->go__word, ~WAITERS, __ATOMIC_RELAXED);
	return w;
}

/* Let everybody in. False: the waiter that was on its way has come and queued again, so one must be chosen. */
static bool give_up(go_mutex *mu)
{
	unsigned word = load(mu);
	do {
		if ((word & WAITERS) && !(word & WOKEN))
			return false;
	} while (!swap(mu, &word, word & ~LOCKED));
	return true;
}

/* LOCKED is ours until one of the two ways gives it up, so nobody gets in meanwhile. That is our last look at the
 * mutex, for whoever gets in may find that nobody needs it any more, and free it: go__lock is released before. The
 * waiter that we wake is on its own stack, and stays there until it is ready. */
static void unlock_slow(go_mutex *mu)
{
	struct go_lock *l = go__lock_of(&mu->go__lock);
	struct go_waiter *w;
	bool starving;
	do {
		go__lock(l);
		starving = load(mu) & STARVING;
		w = starving ? go__waitq_pop(&mu->go__queue) : choose_waiter(mu);
		GO_ASSERT(!starving || w != NULL);
		if (starving)
			hand_over(mu, w);
		go__unlock(l);
	} while (!starving && !give_up(mu));
	if (w != NULL)
		go__ready(w->g);
}

void go__mutex_unlock(go_mutex *mu)
{
	unsigned word = LOCKED;
	go__probe_started();
	/* Only the owner may be here, so the bit cannot change under us. */
	if (!(load(mu) & LOCKED))
		go__fault(GO_FAULT_UNLOCK_OF_UNLOCKED, object_of(mu), "sync: unlock of unlocked mutex");
	GO_PROBE(lock_release, object_of(mu), GO_MUTEX, GO_LOCK_WRITE);
	if (!swap(mu, &word, 0))
		unlock_slow(mu);
}

/* A loop that polls something under this mutex gives way now and then, see waitq.h. The mutex counts its
 * sections itself, while it is still the caller's. */
static __attribute__((noinline)) void go__mutex_unlock_rest(go_mutex *mu, bool unlocked, bool enough)
{
	if (!unlocked)
		go__mutex_unlock(mu);
	if (enough)
		go__give_way();
}

void go_mutex_unlock(go_mutex *mu)
{
	unsigned word = LOCKED;
	bool enough = (++mu->go__sections & 2047) == 0;
	bool unlocked = GO_LIKELY(go_probe_table == NULL) && GO_LIKELY(swap(mu, &word, 0));
	if (unlocked)
		GO_USDT(lock_release, mu, GO_MUTEX, GO_LOCK_WRITE);
	if (GO_UNLIKELY(enough | !unlocked))
		go__mutex_unlock_rest(mu, unlocked, enough);
}

/* What the inline ways of goroutine.h call. */
__attribute__((alias("go_mutex_lock"), visibility("default"))) void go_mutex_lock_(go_mutex *mu);
__attribute__((alias("go_mutex_unlock"), visibility("default"))) void go_mutex_unlock_(go_mutex *mu);
