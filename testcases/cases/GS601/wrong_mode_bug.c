// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS601 unlock-of-unlocked
// EXIT: 2
/* A write unlock of a lock that is held for reading. */
#include <goroutine.h>

static go_rwmutex rw;

int main(void)
{
	go_rwmutex_rlock(&rw);
	go_rwmutex_unlock(&rw);
}
