// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// OBJECT: hits
// NEVER: pthread_create|start_thread
/* A timer that has fired when it is to be stopped: its function may still run. The report does not send the reader
 * into the scheduler. */
#include "../../gate.h"

static int hits;
static volatile int fired;

static void count(void *unused)
{
	(void)unused;
	hits++;
	gate_open(&fired);
}

int main(void)
{
	go_timer *t = go_after_func(GO_MS, count, NULL);

	gate_wait(&fired);
	if (!go_timer_stop(t))
		hits++;
}
