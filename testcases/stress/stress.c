/* SPDX-License-Identifier: Apache-2.0
 *
 * stress.c: random programs on the goroutine runtime, each with a sum that must come out.
 *
 *   stress SECONDS [SEED]        prints the seed of each failing round, and the goroutines if one hangs
 *
 * A round draws channels with random buffers; producers that send numbered tokens by plain sends and selects;
 * consumers that range over one channel, or select over all until every one is closed; and in between, locks,
 * condition variables, WaitGroups with children, sleeps, yields, blocking calls, timers and changes of the
 * number of processors. Checked: every token arrives once, what a lock protects is never torn, a wait returns
 * when all are done and not before, and nothing hangs. Also called from threads that are none of the
 * runtime's.
 */
#include <goroutine.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MAX_CHANNELS 4
#define HANG_SECONDS 120 /* a round took 9 on two processors with a load of 20 */

#define CHECK(cond) \
	do { \
		if (!(cond)) { \
			fprintf(stderr, "stress: seed %llu: not true: %s (line %d)\n", \
				(unsigned long long)round_seed, #cond, __LINE__); \
			go_dump(2); \
			_exit(1); \
		} \
	} while (0)

static uint64_t round_seed;
static _Atomic uint64_t rounds;

struct program {
	int n_channels;
	int tokens;  /* of each producer */
	int flavour; /* bits: which side activities there are */
	go_chan(long) ch[MAX_CHANNELS];
	go_waitgroup producers, consumers, others;
	_Atomic long sent, received, n_sent, n_received;
	go_mutex mu;
	go_rwmutex rw;
	go_cond cond;
	long guarded[2], shared[2]; /* equal, when nobody is inside */
	int tickets;
	long ticket_sum;
};

/* Each goroutine draws from its own sequence, so that a round is what its seed says, whoever runs first. */
static unsigned draw(uint64_t *rng, unsigned n)
{
	*rng = *rng * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(*rng >> 33) % n;
}

static void locked(struct program *p)
{
	go_mutex_lock(&p->mu);
	CHECK(p->guarded[0] == p->guarded[1]);
	p->guarded[0]++;
	if (p->guarded[0] % 7 == 0)
		go_yield(); /* the holder parks */
	p->guarded[1]++;
	go_mutex_unlock(&p->mu);
}

static void read_or_write(struct program *p, bool write)
{
	if (write) {
		go_rwmutex_lock(&p->rw);
		p->shared[0]++;
		go_yield();
		p->shared[1]++;
		go_rwmutex_unlock(&p->rw);
	} else {
		go_rwmutex_rlock(&p->rw);
		CHECK(p->shared[0] == p->shared[1]);
		go_rwmutex_runlock(&p->rw);
	}
}

static intptr_t nap(void *arg)
{
	usleep((useconds_t)(uintptr_t)arg);
	return 7;
}

static void child(_Atomic int *n)
{
	atomic_fetch_add(n, 1);
}

static void family(uint64_t *rng)
{
	_Atomic int done = 0;
	go_waitgroup wg = {0};
	int n = 1 + (int)draw(rng, 40);
	for (int i = 0; i < n; i++)
		go_waitgroup_go(&wg, child, &done);
	go_waitgroup_wait(&wg);
	CHECK(atomic_load(&done) == n);
}

static void late(void *arg)
{
	go_waitgroup_done(arg);
}

/* A producer's ticket wakes a consumer that waits for one. */
static void give_ticket(struct program *p)
{
	go_mutex_lock(&p->mu);
	p->tickets++;
	go_mutex_unlock(&p->mu);
	go_cond_signal(&p->cond);
}

static void take_tickets(struct program *p, int n)
{
	for (int i = 0; i < n; i++) {
		go_mutex_lock(&p->mu);
		while (p->tickets == 0)
			go_cond_wait(&p->cond);
		p->tickets--;
		p->ticket_sum++;
		go_mutex_unlock(&p->mu);
	}
	go_waitgroup_done(&p->others);
}

static void aside(struct program *p, uint64_t *rng)
{
	if (draw(rng, 4) != 0)
		return;
	switch (draw(rng, 12)) {
	case 0:
		go_yield();
		break;
	case 1:
		go_sleep(draw(rng, 30) * GO_US);
		break;
	case 2:
		family(rng);
		break;
	case 3:
		if (p->flavour & 1)
			CHECK(go_blocking(nap, (void *)(uintptr_t)draw(rng, 50)) == 7);
		break;
	case 4:
		if (p->flavour & 2)
			go_set_procs(1 + (int)draw(rng, 4));
		break;
	case 5:
		if (p->flavour & 4) {
			go_waitgroup_add(&p->others, 1);
			go_after_func(draw(rng, 100) * GO_US, late, &p->others);
		}
		break;
	case 6:
		read_or_write(p, draw(rng, 4) == 0);
		break;
	default:
		locked(p);
	}
}

static void send_token(struct program *p, uint64_t *rng, long token)
{
	go_chan(long) a = p->ch[draw(rng, (unsigned)p->n_channels)],
		      b = p->ch[draw(rng, (unsigned)p->n_channels)];
	switch (draw(rng, 4)) {
	case 0:
		while (go_select(GO_SEND(a, token), GO_SEND(b, token), GO_AFTER(draw(rng, 20) * GO_US)) == 2)
			;
		break;
	case 1:
		while (go_select_default(GO_SEND(a, token), GO_SEND(b, token)) < 0)
			;
		break;
	default:
		go_send(a, token);
	}
	atomic_fetch_add(&p->sent, token);
	atomic_fetch_add(&p->n_sent, 1);
}

static void produce(struct program *p, uint64_t seed)
{
	uint64_t rng = seed;
	for (int i = 0; i < p->tokens; i++) {
		aside(p, &rng);
		send_token(p, &rng, (long)draw(&rng, 1000000));
		give_ticket(p);
	}
	go_waitgroup_done(&p->producers);
}

static void got(struct program *p, long token)
{
	atomic_fetch_add(&p->received, token);
	atomic_fetch_add(&p->n_received, 1);
}

static void consume_one(struct program *p, int i, uint64_t seed)
{
	uint64_t rng = seed;
	go_range(token, p->ch[i]) {
		got(p, token);
		aside(p, &rng);
	}
	go_waitgroup_done(&p->consumers);
}

/* A closed channel is taken out by making its case a nil channel's. */
static void consume_all(struct program *p, uint64_t seed)
{
	uint64_t rng = seed;
	go_chan(long) c[MAX_CHANNELS];
	long v = 0;
	bool ok = false;
	for (int i = 0; i < MAX_CHANNELS; i++)
		c[i] = i < p->n_channels ? p->ch[i] : NULL;
	for (int open = p->n_channels; open > 0;) {
		int i = go_select(GO_RECV_OK(c[0], &v, &ok), GO_RECV_OK(c[1], &v, &ok),
				  GO_RECV_OK(c[2], &v, &ok), GO_RECV_OK(c[3], &v, &ok));
		if (ok) {
			got(p, v);
			aside(p, &rng);
		} else {
			c[i] = NULL;
			open--;
		}
	}
	go_waitgroup_done(&p->consumers);
}

struct stranger {
	struct program *p;
	uint64_t seed;
};

static void *produce_outside(void *arg)
{
	struct stranger *s = arg;
	produce(s->p, s->seed);
	return NULL;
}

static void round_of(uint64_t seed)
{
	struct program p = {.cond = GO_COND(&p.mu)};
	uint64_t rng = seed;
	round_seed = seed;
	p.n_channels = 1 + (int)draw(&rng, MAX_CHANNELS);
	p.tokens = 1 + (int)draw(&rng, 60);
	p.flavour = (int)draw(&rng, 8);
	int n_producers = 1 + (int)draw(&rng, 12), n_roaming = (int)draw(&rng, 5);
	bool outside = draw(&rng, 8) == 0;
	for (int i = 0; i < p.n_channels; i++)
		p.ch[i] = go_make(long, draw(&rng, 3) == 0 ? 0 : draw(&rng, 8));

	go_waitgroup_add(&p.producers, n_producers + outside);
	go_waitgroup_add(&p.consumers, p.n_channels + n_roaming);
	go_waitgroup_add(&p.others, 1);
	go(take_tickets, &p, (n_producers + outside) * p.tokens);
	for (int i = 0; i < p.n_channels; i++)
		go(consume_one, &p, i, seed + 1000 + (uint64_t)i);
	for (int i = 0; i < n_roaming; i++)
		go(consume_all, &p, seed + 2000 + (uint64_t)i);
	for (int i = 0; i < n_producers; i++)
		go(produce, &p, seed + 3000 + (uint64_t)i);
	pthread_t thread;
	struct stranger s = {&p, seed + 4000};
	if (outside)
		CHECK(pthread_create(&thread, NULL, produce_outside, &s) == 0);

	go_waitgroup_wait(&p.producers);
	long n = (long)(n_producers + outside) * p.tokens;
	CHECK(atomic_load(&p.n_sent) == n);
	for (int i = 0; i < p.n_channels; i++)
		go_close(p.ch[i]);
	go_waitgroup_wait(&p.consumers);
	go_waitgroup_wait(&p.others);
	CHECK(atomic_load(&p.n_received) == n);
	CHECK(atomic_load(&p.received) == atomic_load(&p.sent));
	CHECK(p.guarded[0] == p.guarded[1] && p.shared[0] == p.shared[1]);
	CHECK(p.ticket_sum == n && p.tickets == 0);
	if (outside)
		pthread_join(thread, NULL);
	for (int i = 0; i < p.n_channels; i++)
		go_chan_free(p.ch[i]);
}

/* A hang is a lost wake-up: say who waits for what. Not a goroutine, which might not run any more. */
static void *watch(void *arg)
{
	(void)arg;
	for (uint64_t seen = 0;; seen = atomic_load(&rounds)) {
		for (int i = 0; atomic_load(&rounds) == seen; i++) {
			if (i == HANG_SECONDS * 10) {
				fprintf(stderr, "stress: seed %llu hangs\n", (unsigned long long)round_seed);
				go_dump(2);
				_exit(1);
			}
			usleep(100000);
		}
	}
	return NULL;
}

int main(int argc, char **argv)
{
	int64_t until = go_now() + (argc > 1 ? atoll(argv[1]) : 10) * GO_SEC;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : (uint64_t)go_now();
	pthread_t thread;
	pthread_create(&thread, NULL, watch, NULL);
	for (; go_now() < until; atomic_fetch_add(&rounds, 1))
		round_of(seed + atomic_load(&rounds) * 10000);
	printf("stress: %llu rounds from seed %llu, all sums right\n", (unsigned long long)rounds,
	       (unsigned long long)seed);
	return 0;
}
