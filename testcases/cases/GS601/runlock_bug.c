// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS601 unlock-of-unlocked
// OBJECT: rw
// EXIT: 2
/* A read unlock of a lock that nobody reads. */
#include <goroutine.h>

static go_rwmutex rw;

int main(void)
{
	go_rwmutex_rlock(&rw);
	go_rwmutex_runlock(&rw);
	go_rwmutex_runlock(&rw);
}
