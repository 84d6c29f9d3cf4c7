// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS202 partial-deadlock
// GRADE: proved
// FUNCTIONS: transfer
/* Two goroutines take two locks in opposite orders and block each other; main does not need them and
 * returns. */
#include "../../gate.h"

static go_mutex a, b;
static volatile int has[2];

static void transfer(int me, go_mutex *from, go_mutex *to)
{
	go_mutex_lock(from);
	gate_open(&has[me]);
	gate_wait(&has[!me]);
	go_mutex_lock(to);
	go_mutex_unlock(to);
	go_mutex_unlock(from);
}

int main(void)
{
	go(transfer, 0, &a, &b);
	go(transfer, 1, &b, &a);
	gate_parked("sync.Mutex.Lock", 2);
}
