// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* Only the number is copied. */
#include "../../gate.h"

struct job {
	go_waitgroup wg;
	int n;
};

static void work(struct job *shared)
{
	gate_parked("sync.WaitGroup.Wait", 1);
	int mine = shared->n;

	mine++;
	go_waitgroup_done(&shared->wg);
}

int main(void)
{
	static struct job job;

	go_waitgroup_add(&job.wg, 1);
	go(work, &job);
	go_waitgroup_wait(&job.wg);
}
