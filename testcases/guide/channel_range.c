// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// EXPECT-OUTPUT: ordered
// | Received: 1
// | Received: 2
// | Received: 3
// | Received: 4
// | Received: 5
// | Channel closed, program exits
/* Channels: one goroutine sends and closes, main ranges over the channel until it is closed. */
#include "guide.h"

static void produce(go_chan(int) ch)
{
	for (int i = 1; i <= 5; i++) {
		go_send(ch, i);
		go_sleep(GUIDE_MS(500));
	}
	go_close(ch); /* the sender closes when it is done */
}

int main(void)
{
	go_chan(int) ch = go_make(int, 0);

	go(produce, ch);
	go_range(num, ch) {
		printf("Received: %d\n", num);
	}
	printf("Channel closed, program exits\n");
	go_chan_free(ch);
}
