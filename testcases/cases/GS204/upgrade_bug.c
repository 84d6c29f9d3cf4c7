// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS204 double-lock
// OBJECT: rw
// EXIT: 2
/* A read lock can't be turned into a write lock while it is held. */
#include <goroutine.h>

static go_rwmutex rw;

int main(void)
{
	go_rwmutex_rlock(&rw);
	go_rwmutex_lock(&rw);
	go_rwmutex_unlock(&rw);
	go_rwmutex_runlock(&rw);
}
