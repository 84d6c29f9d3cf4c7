/* SPDX-License-Identifier: Apache-2.0
 *
 * oracle.c: the detector's clocks and shadow memory against the oracle, over random programs.
 *
 * usage: oracle [COUNT [FIRST_SEED]]    exit 0 when all agree; else the first disagreement, its seed, the
 *                                       program up to it, and exit 1
 *
 * Checked for each program
 *  - after each step, and for all steps before it: the goroutine's strong and weak clocks cover exactly the
 *    steps that happen before (with and without lock edges).
 *    An exception: the end of a goroutine itself, which orders nothing, may look ordered when its chain is
 *    reused, since only what a goroutine did before its end can matter to anybody;
 *  - clocks that were copied on the way still say at the end what they said then;
 *  - each reported race is one of the oracle's, and each byte that is in a race of the oracle's is in a
 *    reported one.
 * Some seeds run with 32 segments (collected and merged again and again; what is missed must be counted), some
 * with few epochs per chain (goroutines must move to new chains: still exact), some with no
 * chain of their own for new goroutines (only what is reported must be true; misses are allowed).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "access.h"
#include "capture.h"
#include "chain.h"
#include "relation.h"
#include "replay.h"
#include "segment.h"

#define BATCH 4ul
#define FEW   32 /* segments */

enum mode { EXACT, SHORT_CHAINS, SHARED_CHAIN, FEW_SEGMENTS };

static struct program program;
static struct relation strong, weak;
static struct replay replay;
static struct gosan_clock kept[MAX_STEPS];
static enum mode mode;
static struct counts {
	size_t pairs, ordered, races, reports, few, few_exact;
} counts;
static uint64_t lost_before;
static bool unexpected_loss;

static int disagree(const char *what, int a, int b)
{
	program_print(&program, a > b ? a : b);
	printf("seed %llu: %s: steps %d and %d\n", (unsigned long long)program.seed, what, a, b);
	return 1;
}

static int compare(const struct relation *r, const struct gosan_clock *c, int a, int b, const char *which)
{
	bool want = relation_has(r, a, b), got = gosan_clock_covers(c, replay.at[a]);

	counts.pairs++;
	counts.ordered += want;
	if (want == got || (got && (mode == SHARED_CHAIN || program.step[a].kind == END)))
		return 0;
	printf("%s clock says %s\n", which, got ? "ordered" : "not ordered");
	return disagree("the engine and the oracle disagree on happens-before", a, b);
}

/* Step b is the latest of its goroutine; `last` is the latest that was replayed. */
static int check_step(int b, int last)
{
	const struct gosan_g *g = replay.g[program.step[b].g];

	for (int a = 0; a <= last; a++) {
		if (program.step[a].g == program.step[b].g)
			continue;
		if (compare(&strong, &g->strong, a, b, "strong") || compare(&weak, &g->weak, a, b, "weak"))
			return 1;
	}
	return 0;
}

static int replay_and_check(void)
{
	for (int i = 0; i < program.n; i++) {
		const struct step *t = &program.step[i];
		bool pair = t->kind == PAIR_SEND;

		replay_step(&replay, i);
		if (t->kind == END)
			continue;
		if (check_step(i, i + pair) || (pair && check_step(i + 1, i + 1)))
			return 1;
		if (program.seed % 2)
			gosan_clock_copy(&kept[i], &replay.g[t->g]->strong);
		i += pair;
	}
	return 0;
}

/* Nobody changed a node that a copy shares. */
static int check_kept(void)
{
	for (int b = 0; b < program.n; b++) {
		for (int a = 0; a < b && !gosan_clock_empty(&kept[b]); a++)
			if (program.step[a].g != program.step[b].g &&
			    compare(&strong, &kept[b], a, b, "copied"))
				return 1;
		gosan_clock_clear(&kept[b]);
	}
	return 0;
}

static void cover(bool *bytes, const struct step *x, const struct step *y)
{
	for (unsigned i = 0; i < MEMORY; i++)
		if (i >= x->addr && i < x->addr + x->size && i >= y->addr && i < y->addr + y->size)
			bytes[i] = true;
}

static int check_reports(bool *reported)
{
	for (size_t i = 0; i < n_captured; i++) {
		uintptr_t a = captured[i].pc[0] - replay.pc0, b = captured[i].pc[1] - replay.pc0;

		if (a >= (uintptr_t)program.n || b >= (uintptr_t)program.n)
			return disagree("a report whose stacks are not those of two accesses", (int)a,
					(int)b);
		if (!relation_races(&strong, &program, (int)a, (int)b))
			return disagree("a false alarm", (int)a, (int)b);
		cover(reported, &program.step[a], &program.step[b]);
		counts.reports++;
	}
	return 0;
}

static int check_races(void)
{
	bool reported[MEMORY] = {false};

	if (check_reports(reported))
		return 1;
	if (mode == SHARED_CHAIN || (mode == FEW_SEGMENTS && gosan_counters->shadow_lost > lost_before))
		return 0;
	for (int b = 0; b < program.n; b++)
		for (int a = 0; a < b; a++) {
			bool racy[MEMORY] = {false};

			if (!relation_races(&strong, &program, a, b))
				continue;
			counts.races++;
			cover(racy, &program.step[a], &program.step[b]);
			for (int i = 0; i < MEMORY; i++)
				if (racy[i] && !reported[i])
					return disagree("a race on a byte without a report", a, b);
		}
	return 0;
}

static int run(uint64_t seed)
{
	mode = seed % 8 == 7   ? SHARED_CHAIN
	       : seed % 4 == 2 ? SHORT_CHAINS
	       : seed % 8 == 4 ? FEW_SEGMENTS
			       : EXACT;
	gosan_segment_limit = mode == FEW_SEGMENTS ? FEW : GOSAN_SEGMENTS;
	lost_before = gosan_counters->shadow_lost;
	gosan_chain_limit = mode == SHARED_CHAIN ? 0 : GOSAN_CHAIN_SHARED - 1;
	gosan_chain_last_epoch = mode == SHORT_CHAINS ? 5 : UINT32_MAX - 1;
	n_captured = 0;
	program_generate(&program, seed);
	relation_close(&strong, &program, true);
	relation_close(&weak, &program, false);
	replay_begin(&replay, &program);
	if (replay_and_check() || check_kept() || check_races())
		return 1;
	unexpected_loss |= mode != FEW_SEGMENTS && gosan_counters->shadow_lost > lost_before;
	counts.few += mode == FEW_SEGMENTS;
	counts.few_exact += mode == FEW_SEGMENTS && gosan_counters->shadow_lost == lost_before;
	return 0;
}

/* The detector keeps what it reported, and after some ten thousand reports begins to fold: a process of its
 * own for each batch. */
static int batch(unsigned long first, unsigned long count)
{
	if (gosan_engine_init() || gosan_access_init())
		return 1;
	for (unsigned long seed = first; seed < first + count; seed++)
		if (run(seed))
			return 1;
	if (gosan_counters->clock_lost || gosan_counters->lost || unexpected_loss)
		return disagree("something was lost", 0, 0);
	return 0;
}

/* Counts of a batch come back through a shared page. */
static int batch_in_child(struct counts *shared, unsigned long first, unsigned long count)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		int bad = batch(first, count);

		shared->pairs += counts.pairs;
		shared->ordered += counts.ordered;
		shared->races += counts.races;
		shared->reports += counts.reports;
		shared->few += counts.few;
		shared->few_exact += counts.few_exact;
		fflush(stdout);
		_exit(bad);
	}
	return pid < 0 || waitpid(pid, &status, 0) != pid || status != 0;
}

int main(int argc, char **argv)
{
	unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000;
	unsigned long first = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;
	struct counts *shared =
		mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	for (unsigned long done = 0; done < count; done += BATCH)
		if (batch_in_child(shared, first + done, count - done < BATCH ? count - done : BATCH))
			return 1;
	printf("%lu programs: %zu pairs of events, %zu ordered, %zu racing pairs, %zu reports; %zu of %zu "
	       "programs "
	       "with %d segments lost nothing: all agree\n",
	       count, shared->pairs, shared->ordered, shared->races, shared->reports, shared->few_exact,
	       shared->few, FEW);
	return 0;
}
