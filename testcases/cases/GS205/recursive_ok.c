// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* The inner reader expects the lock to be held already. */
#include <goroutine.h>

static go_rwmutex rw;
static int values[2];

static void total(go_chan(int) out)
{
	go_rwmutex_rlock(&rw);
	int sum = values[0] + values[1];
	go_rwmutex_runlock(&rw);
	go_send(out, sum);
}

static void writer(go_chan(int) out)
{
	go_rwmutex_lock(&rw);
	values[0]++;
	go_rwmutex_unlock(&rw);
	go_send(out, 0);
}

int main(void)
{
	go_chan(int) out = go_make(int, 2);

	go(total, out);
	go(writer, out);
	go_recv(out);
	go_recv(out);
}
