// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* Opposite orders in one goroutine can't deadlock. */
#include <goroutine.h>

static go_mutex a, b;

int main(void)
{
	go_mutex_lock(&a);
	go_mutex_lock(&b);
	go_mutex_unlock(&b);
	go_mutex_unlock(&a);
	go_mutex_lock(&b);
	go_mutex_lock(&a);
	go_mutex_unlock(&a);
	go_mutex_unlock(&b);
}
