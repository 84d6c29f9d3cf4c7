// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* The read lock is given back first, and what was read is looked at again. */
#include <goroutine.h>

static go_rwmutex rw;
static int value;

int main(void)
{
	go_rwmutex_rlock(&rw);
	bool change = value == 0;
	go_rwmutex_runlock(&rw);
	go_rwmutex_lock(&rw);
	if (change && value == 0)
		value = 1;
	go_rwmutex_unlock(&rw);
}
