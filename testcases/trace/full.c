// SPDX-License-Identifier: Apache-2.0
/* full.c: a library that stands for a disk with FULL_BYTES left. It is preloaded before the detector's, whose system
 * calls all go through syscall(): once that much has been allocated, nothing can be, nor written. Files that are mapped
 * keep what they have, as on a disk. A real one needs a mount, which not every machine allows. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_long used;

/* The fourth argument of fallocate is the size; of the others, that a page's worth is enough to be refused. */
static int has_room(long number, long size)
{
	static atomic_long limit = -1;

	if (number != SYS_fallocate && number != SYS_pwrite64 && number != SYS_write)
		return 1;
	if (limit < 0)
		limit = getenv("FULL_BYTES") ? atol(getenv("FULL_BYTES")) : 0;
	if (number != SYS_fallocate)
		return used < limit;
	return atomic_fetch_add(&used, size) + size <= limit;
}

long syscall(long number, ...)
{
	static _Atomic(void *) next;
	long a[6];
	va_list ap;

	va_start(ap, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (!has_room(number, a[3])) {
		errno = ENOSPC;
		return -1;
	}
	if (!next)
		next = dlsym(RTLD_NEXT, "syscall");
	return ((long (*)(long, ...))next)(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
