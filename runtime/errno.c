/* SPDX-License-Identifier: Apache-2.0
 *
 * errno.c: errno that survives a change of thread.
 *
 * The C library declares that errno's address never changes, so compilers read it once per function. A
 * goroutine that parks may go on on another thread; goroutine.h therefore reads errno through here, and
 * the scheduler carries the value along.
 */
#include "internal.h"

#undef errno
#define errno (*__errno_location())

__attribute__((noinline)) int *go_errno_(void)
{
	return &errno;
}
