// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// EXPECT-OUTPUT: unordered
// ~10 Worker \d+ starting
// | Rate kept: yes
/* Rate limiting: a ticker's channel hands out permissions. */
#include "guide.h"

static void worker(int id)
{
	printf("Worker %d starting\n", id);
}

int main(void)
{
	go_chan(int64_t) limiter = go_tick(GUIDE_MS(500)); /* two operations a second */
	int64_t start = go_now();

	for (int i = 1; i <= 10; i++) {
		go_recv(limiter); /* wait for permission */
		go(worker, i);
	}
	int64_t took = go_now() - start;
	go_sleep(GUIDE_MS(6000)); /* wait to see the output */
	printf("Rate kept: %s\n", took >= 9 * GUIDE_MS(500) ? "yes" : "no");
}
