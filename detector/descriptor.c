/* SPDX-License-Identifier: Apache-2.0
 *
 * descriptor.c: the memory that stands for descriptors.
 *
 *      table[fd]   identity | place          its address is what is accessed; what is in it, only we look at
 *
 * A number is used again, and not every call that makes or ends a descriptor is seen: libc opens and closes by
 * itself. So each use asks the kernel what the number names now, and where that is another thing than last time
 * its past is forgotten. What was closed before our eyes and names something again was opened behind our back.
 * The same file opened again, behind our back both times, could still be taken for the first; it would have to be
 * used from instrumented code between the two.
 *
 * Invariant: identity is 0 when nothing is known, and has CLOSED set from a close to the next birth.
 */
#include "descriptor.h"

#include "access.h"
#include "context.h"
#include "mem.h"
#include "recorder.h"

#include <errno.h>
#include <sys/stat.h>

#define FD_MAX 65536 /* 1 MiB of address space, touched as far as it is used */
#define CLOSED UINT64_C(1)

struct slot {
	uint64_t identity;
	uint32_t place;
};
static struct slot *table;
static uintptr_t base; /* where a recorded process had the table; 0: it is this one's */

/* Mapped at the first need. Two threads may map at once: one's is never used, and stays. NULL: not watched. */
static struct slot *slot_of(int fd)
{
	struct slot *t = __atomic_load_n(&table, __ATOMIC_ACQUIRE), *none = NULL;

	if (fd < 0 || fd >= FD_MAX)
		return NULL;
	if (!t) {
		t = gosan_mem_map(FD_MAX * sizeof(*t));
		if (t &&
		    !__atomic_compare_exchange_n(&table, &none, t, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
			t = none;
	}
	return t ? &t[fd] : NULL;
}

/* What it names; 0: nothing, it is closed. Files of the same inode are the same here. */
static uint64_t identity_of(int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return 0;
	return (((uint64_t)st.st_dev << 40) ^ ((uint64_t)st.st_ino << 8) ^ (uint64_t)(st.st_mode & S_IFMT)) |
	       (CLOSED << 1);
}

static void forget(struct slot *s, uint64_t identity, uint32_t place)
{
	GOSAN_RECORD_MEMORY(
		gosan_recorder_access(GOSAN_TRACE_DESCRIPTOR, (uintptr_t)s, (size_t)(s - table), 0, place));
	gosan_access_forget((uintptr_t)s, sizeof(s->identity));
	s->place = place;
	__atomic_store_n(&s->identity, identity, __ATOMIC_RELAXED);
}

void gosan_descriptor_born(int fd, uint32_t place)
{
	struct slot *s = slot_of(fd);
	int saved = errno;

	if (s)
		forget(s, identity_of(fd) & ~CLOSED, place);
	errno = saved;
}

void gosan_descriptor_drop(int fd)
{
	struct slot *s = slot_of(fd);

	if (s && s->identity)
		forget(s, 0, 0);
}

/* The slot, if an access of it means something: the descriptor that we know is there, or was closed and is no more. */
static struct slot *current(int fd)
{
	struct slot *s = slot_of(fd);
	uint64_t knew = s ? __atomic_load_n(&s->identity, __ATOMIC_RELAXED) : 0, is;

	if (!s)
		return NULL;
	is = identity_of(fd) & ~CLOSED;
	if (!is)
		return knew & CLOSED ? s : NULL;
	if (knew != is)
		forget(s, is, 0);
	return s;
}

void gosan_descriptor_use(int fd, uintptr_t pc)
{
	int saved = errno;
	const struct slot *s = current(fd);

	if (s)
		gosan_access((uintptr_t)s, sizeof(s->identity), 0, pc);
	errno = saved;
}

/* A second close is an error that the program is told. One that races with the first is still a close of whatever the
 * number names then: the second sees it only if it is open again. */
void gosan_descriptor_close(int fd, uintptr_t pc)
{
	int saved = errno;
	struct slot *s = current(fd);

	if (s && !(s->identity & CLOSED)) {
		gosan_access((uintptr_t)s, sizeof(s->identity), GOSAN_WRITE, pc);
		__atomic_or_fetch(&s->identity, CLOSED, __ATOMIC_RELAXED);
	}
	errno = saved;
}

void gosan_descriptor_restore(uintptr_t addr, int fd, uint32_t place)
{
	struct slot *s = slot_of(fd);

	if (!s)
		return;
	base = addr - (uintptr_t)fd * sizeof(*s);
	s->place = place;
}

bool gosan_descriptor_is(uintptr_t addr, int *ret_fd, uint32_t *ret_place)
{
	const struct slot *t = __atomic_load_n(&table, __ATOMIC_ACQUIRE);
	uintptr_t first = base ? base : (uintptr_t)t;

	if (!t || addr - first >= FD_MAX * sizeof(*t))
		return false;
	*ret_fd = (int)((addr - first) / sizeof(*t));
	*ret_place = t[*ret_fd].place;
	return true;
}
