// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* Opposite orders, ordered by a message. */
#include <goroutine.h>

static go_mutex a, b;

static void first(go_chan(int) done)
{
	go_mutex_lock(&a);
	go_mutex_lock(&b);
	go_mutex_unlock(&b);
	go_mutex_unlock(&a);
	go_send(done, 0);
}

int main(void)
{
	go_chan(int) done = go_make(int, 0);

	go(first, done);
	go_recv(done);
	go_mutex_lock(&b);
	go_mutex_lock(&a);
	go_mutex_unlock(&a);
	go_mutex_unlock(&b);
}
