// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* A mutex that is locked by one and unlocked by another is a semaphore: whoever takes it last may keep it. */
#include <goroutine.h>

static go_mutex token;

static void taker(go_chan(int) done)
{
	go_mutex_lock(&token);
	go_send(done, 1);
}

int main(void)
{
	go_chan(int) done = go_make(int, 0);

	for (int i = 0; i < 3; i++) {
		go(taker, done);
		go_recv(done);
		if (i < 2)
			go_mutex_unlock(&token);
	}
}
