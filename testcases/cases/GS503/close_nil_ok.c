// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* It is made before the service starts. */
#include <goroutine.h>

static struct {
	go_chan(int) events;
} service;

int main(void)
{
	service.events = go_make(int, 0);
	go_close(service.events);
}
