// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS503 close-of-nil
// EXIT: 2
// FUNCTIONS: shut_down
/* The channel was never made. */
#include <goroutine.h>

static struct {
	go_chan(int) events;
} service;

static __attribute__((noinline)) void shut_down(void)
{
	go_close(service.events);
	__asm__ volatile("");
}

int main(void)
{
	shut_down();
}
