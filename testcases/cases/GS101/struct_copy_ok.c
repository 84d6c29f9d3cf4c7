// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* The copy is taken under the lock that the writer holds. */
#include <goroutine.h>

struct big {
	long values[40];
};
static struct big shared;
static go_mutex mu;

static void update(go_chan(int) done)
{
	go_mutex_lock(&mu);
	shared.values[39] = 1;
	go_mutex_unlock(&mu);
	go_send(done, 0);
}

int main(void)
{
	go_chan(int) done = go_make(int, 0);

	go(update, done);
	go_mutex_lock(&mu);
	struct big copy = shared;
	go_mutex_unlock(&mu);
	go_recv(done);
	return copy.values[39] > 1;
}
