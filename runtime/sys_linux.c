/* SPDX-License-Identifier: Apache-2.0
 *
 * sys_linux.c: sys.h on Linux. The only file outside arch/ that knows processors by name.
 */
#include "sys.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define GUARD_INSTALL 102 /* MADV_GUARD_INSTALL, Linux 6.13; older headers lack it */
#define NS            1000000000

/* errno is kept: the caller may be a goroutine in the middle of the program's work, and early returns are no
 * errors here. */
void go__sys_futex_wait(_Atomic uint32_t *word, uint32_t expected, int64_t ns)
{
	struct timespec ts = {.tv_sec = ns / NS, .tv_nsec = ns % NS};
	int saved = errno;
	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, ns < 0 ? NULL : &ts, NULL, 0);
	errno = saved;
}

void go__sys_futex_wake(_Atomic uint32_t *word, int n)
{
	int saved = errno;
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, n, NULL, NULL, 0);
	errno = saved;
}

bool go__sys_fence_start(void)
{
	return syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
}

/* Once registered it cannot fail; a process keeps its registration over a fork. */
void go__sys_fence_heavy(void)
{
	int saved = errno;
	syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
	errno = saved;
}

/* System calls by number where a preloaded watcher may interpose the libc function. */
void *go__sys_map(size_t size, bool reserve)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | (reserve ? MAP_NORESERVE : 0);
	void *p = (void *)syscall(SYS_mmap, NULL, size, PROT_READ | PROT_WRITE, flags, -1, 0);
	return p == MAP_FAILED ? NULL : p;
}

/* The system gives addresses downwards, so mappings of one size mostly follow each other, aligned. */
void *go__sys_map_huge(size_t size)
{
	const size_t align = (size_t)2 << 20;
	char *p = go__sys_map(size, false);
	if (p != NULL && (uintptr_t)p % align != 0) {
		go__sys_unmap(p, size);
		p = go__sys_map(size + align, true);
		if (p == NULL)
			return NULL;
		char *at = (char *)(((uintptr_t)p + align - 1) & ~(uintptr_t)(align - 1));
		if (at > p)
			go__sys_unmap(p, (size_t)(at - p));
		go__sys_unmap(at + size, (size_t)(p + align - at));
		p = at;
	}
	if (p != NULL)
		madvise(p, size, MADV_HUGEPAGE);
	return p;
}

void go__sys_unmap(void *p, size_t size)
{
	syscall(SYS_munmap, p, size);
}

/* A guard marker costs no mapping of its own; mprotect splits one and so ends at vm.max_map_count / 2
 * stacks. Once refused, it is refused for good. */
int go__sys_guard(void *p, size_t size, bool mapping)
{
	static _Atomic bool refused;
	if (!mapping && !refused) {
		if (madvise(p, size, GUARD_INSTALL) == 0)
			return 0;
		refused = true;
	}
	return mprotect(p, size, PROT_NONE) == 0 ? 0 : -errno;
}

/* Guards survive it: they are no content. */
void go__sys_discard(void *p, size_t size)
{
	madvise(p, size, MADV_DONTNEED);
}

int64_t go__sys_now(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * NS + ts.tv_nsec;
}

/* Never blocks at boot: then the clock has to do. Odd, hence not 0, which xorshift would keep. */
uint64_t go__sys_seed(void)
{
	uint64_t seed = 0;
	if (syscall(SYS_getrandom, &seed, sizeof(seed), 1 /* GRND_NONBLOCK */) != (long)sizeof(seed))
		seed = (uint64_t)go__sys_now();
	return seed | 1;
}

/* What this process may use, not what the machine has: containers and taskset count. */
int go__sys_cpus(void)
{
	cpu_set_t set;
	if (sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 0)
		return CPU_COUNT(&set);
	return 1;
}

/* In the child of a fork the survivor is the main thread by this measure too, whichever it was. */
bool go__sys_is_main_thread(void)
{
	return syscall(SYS_gettid) == (long)getpid();
}

/* getdents by hand: opendir would call malloc. */
int go__sys_threads(void)
{
	char buf[4096] __attribute__((aligned(8)));
	int fd = open("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC), count = 0;
	if (fd < 0)
		return -errno;
	for (long n; (n = syscall(SYS_getdents64, fd, buf, sizeof(buf))) > 0;) {
		for (long at = 0; at < n;) {
			const struct dirent64 *entry = (const void *)(buf + at);
			if (entry->d_name[0] != '.')
				count++;
			at += entry->d_reclen;
		}
	}
	close(fd);
	return count;
}

/* epoll_pwait2 (Linux 5.11) keeps nanoseconds; the old call rounds up to milliseconds, which would make
 * every sleeper half a millisecond late. */
int go__sys_epoll_wait(int fd, struct epoll_event *events, int n, int64_t ns)
{
	static _Atomic bool missing;
	if (!missing) {
		struct timespec ts = {.tv_sec = ns / NS, .tv_nsec = ns % NS};
		long got = syscall(SYS_epoll_pwait2, fd, events, n, ns < 0 ? NULL : &ts, NULL, 0);
		if (got >= 0)
			return (int)got;
		if (errno != ENOSYS)
			return -errno;
		missing = true;
	}
	int64_t ms = ns < 0 ? -1 : (ns + 999999) / 1000000;
	int got = epoll_wait(fd, events, n, ms > 1000000 ? 1000000 : (int)ms);
	return got >= 0 ? got : -errno;
}

#if defined(__x86_64__)

const char go__sys_unwind_prefix[] = "_ULx86_64_";
const int go__sys_unwind_ip = 16;

/* Words as arch/x86_64/switch.S pushed them: control words, r15..r12, rbx, rbp, return address. */
void go__sys_context(void *ucontext, void *sp)
{
	ucontext_t *uc = ucontext;
	const uint64_t *w = sp;
	greg_t *r = uc->uc_mcontext.gregs;
	r[REG_R15] = (greg_t)w[1];
	r[REG_R14] = (greg_t)w[2];
	r[REG_R13] = (greg_t)w[3];
	r[REG_R12] = (greg_t)w[4];
	r[REG_RBX] = (greg_t)w[5];
	r[REG_RBP] = (greg_t)w[6];
	r[REG_RIP] = (greg_t)w[7];
	r[REG_RSP] = (greg_t)(uintptr_t)(w + 8);
}

uintptr_t go__sys_context_pc(const void *ucontext)
{
	return (uintptr_t)((const ucontext_t *)ucontext)->uc_mcontext.gregs[REG_RIP];
}

#elif defined(__aarch64__)

const char go__sys_unwind_prefix[] = "_ULaarch64_";
const int go__sys_unwind_ip = 32; /* UNW_AARCH64_PC */

/* Words as arch/aarch64/switch.S stored them: x19..x30, d8..d15, fpcr, unused. */
void go__sys_context(void *ucontext, void *sp)
{
	ucontext_t *uc = ucontext;
	const uint64_t *w = sp;
	for (int i = 0; i < 12; i++)
		uc->uc_mcontext.regs[19 + i] = w[i];
	uc->uc_mcontext.pc = w[11];
	uc->uc_mcontext.sp = (uintptr_t)(w + 22);
}

uintptr_t go__sys_context_pc(const void *ucontext)
{
	return (uintptr_t)((const ucontext_t *)ucontext)->uc_mcontext.pc;
}

#endif
