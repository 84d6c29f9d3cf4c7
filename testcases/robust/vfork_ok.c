// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// EXPECT-OUTPUT: ordered
// | status 4
/* system() and posix_spawn() use vfork underneath. */
#include <goroutine.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

int main(void)
{
	go_yield();
	int status = system("exit 4");
	printf("status %d\n", WEXITSTATUS(status));
}
