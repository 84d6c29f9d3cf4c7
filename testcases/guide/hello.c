// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// EXPECT-OUTPUT: unordered
// | Hello from main
// | Hello from goroutine
/* Basic goroutine usage: run a function as a goroutine, go on in main, and sleep to see its output. (The
 * sleep is the guide's own example of what not to rely on; it orders nothing, and nothing is shared.) */
#include <goroutine.h>
#include <stdio.h>

static void say_hello(void)
{
	printf("Hello from goroutine\n");
}

int main(void)
{
	go(say_hello);
	printf("Hello from main\n");
	go_sleep(300 * GO_MS);
}
