// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* The read lock that the writer waits for is its own, and another goroutine gives it back, as Go allows. */
#include "../../gate.h"

static go_rwmutex rw;

static void finish(void)
{
	gate_parked("sync.RWMutex.Lock", 1);
	go_rwmutex_runlock(&rw);
}

int main(void)
{
	go_rwmutex_rlock(&rw);
	go(finish);
	go_rwmutex_lock(&rw);
	go_rwmutex_unlock(&rw);
}
