/* SPDX-License-Identifier: Apache-2.0
 *
 * noise.c: pauses where threads meet, so that runs with other seeds have other orders.
 *
 * In a short test a new thread nearly always begins after its maker went on, and whoever is first at a lock always is. What
 * is ordered so in each run is never seen the other way round. Most bugs need no more than one or two such
 * turns (Burckhardt et al., "A randomized scheduler with probabilistic guarantees of finding bugs", ASPLOS 2010): the
 * order in which threads begin, and a few pauses before calls (noise as in Edelstein et al., "Multithreaded Java program
 * test generation", IBM Systems Journal 41, 2002). The seed chooses where and for how long; the system's scheduler does the
 * rest, so a seed makes an order likely and does not repeat it.
 *
 * Without a seed there is no pause. With one, a process pauses for BUDGET_US in all, however long it runs.
 */
#include "noise.h"

#include <errno.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define BUDGET_US 1000000

#define ONE_IN_BIRTHS 2
#define ONE_IN_CALLS  8

/* Longer than a thread takes to begin, and than its first steps. */
static const int birth_us[] = {100, 500, 2000, 5000};
/* 0: another thread that can run does. */
static const int call_us[] = {0, 0, 0, 20, 100, 500};

bool gosan_noise_on;
static uint64_t seed;
static uint32_t threads; /* that were seen */
static int spent_us;
static __thread uint64_t state __attribute__((tls_model("initial-exec")));

void gosan_noise_init(int s)
{
	seed = (uint64_t)s;
	gosan_noise_on = s != 0;
}

/* SplitMix64 (Steele, Lea and Flood, OOPSLA 2014). A thread's stream begins with its number, by order of appearance. */
static uint64_t draw(void)
{
	uint64_t z;

	if (!state)
		state = seed << 32 | __atomic_add_fetch(&threads, 1, __ATOMIC_RELAXED);
	z = state += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* Not libc's functions, which are interposed and points of cancellation. */
static void pause_for(int us)
{
	struct timespec t = {0, us * 1000};
	int saved = errno;

	if (us == 0)
		syscall(SYS_sched_yield);
	else if (__atomic_add_fetch(&spent_us, us, __ATOMIC_RELAXED) <= BUDGET_US)
		syscall(SYS_nanosleep, &t, NULL);
	else
		__atomic_store_n(&gosan_noise_on, false, __ATOMIC_RELAXED);
	errno = saved;
}

/* One in so many, for one of n times. */
static void maybe(unsigned one_in, const int *us, unsigned n)
{
	uint64_t z = draw();

	if (z % one_in == 0)
		pause_for(us[(z >> 32) % n]);
}

void gosan_noise_birth(void)
{
	if (__atomic_load_n(&gosan_noise_on, __ATOMIC_RELAXED))
		maybe(ONE_IN_BIRTHS, birth_us, sizeof(birth_us) / sizeof(*birth_us));
}

void gosan_noise_meet(void)
{
	maybe(ONE_IN_CALLS, call_us, sizeof(call_us) / sizeof(*call_us));
}
