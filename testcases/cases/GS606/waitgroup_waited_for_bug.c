// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS606 sync-copy
// EXIT: 2
// FINDINGS: 1
/* A WaitGroup is copied while main waits for it; what the copy's Done does to main is a consequence. */
#include "../../gate.h"

struct job {
	go_waitgroup wg;
	int n;
};

static void work(struct job *shared)
{
	gate_parked("sync.WaitGroup.Wait", 1);
	struct job mine = *shared;

	mine.n++;
	go_waitgroup_done(&mine.wg);
}

int main(void)
{
	static struct job job;

	go_waitgroup_add(&job.wg, 1);
	go(work, &job);
	go_waitgroup_wait(&job.wg);
}
