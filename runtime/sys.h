/* SPDX-License-Identifier: Apache-2.0
 *
 * sys.h: what the runtime asks of the operating system and the processor, and nothing else does.
 * Return rule: 0 or a count, or a negative errno; pointers are NULL on failure.
 */
#ifndef GO_SYS_H
#define GO_SYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct epoll_event;

/* Sleep while *word == expected, at most ns (negative: for ever). May return early. */
void go__sys_futex_wait(_Atomic uint32_t *word, uint32_t expected, int64_t ns);
void go__sys_futex_wake(_Atomic uint32_t *word, int n);

void *go__sys_map(size_t size, bool reserve); /* zeroed; reserve: address space only, touched lazily */
void go__sys_unmap(void *p, size_t size);
int go__sys_guard(void *p, size_t size);    /* any access faults */
void go__sys_discard(void *p, size_t size); /* the content is not needed any more */

int64_t go__sys_now(void);
uint64_t go__sys_seed(void);
int go__sys_cpus(void);
bool go__sys_is_main_thread(void);
int go__sys_threads(void); /* of this process; negative when unknown */

/* epoll_wait with a timeout in ns (negative: none). Number of events. */
int go__sys_epoll_wait(int fd, struct epoll_event *events, int n, int64_t ns);

static inline void go__sys_pause(void)
{
#if defined(__x86_64__)
	__asm__ volatile("pause" ::: "memory");
#elif defined(__aarch64__)
	__asm__ volatile("isb" ::: "memory");
#endif
}

/* Unwinding by libunwind, which is loaded only when a stack is to be printed. */
extern const char go__sys_unwind_prefix[]; /* of its symbols, "_ULx86_64_" */
extern const int go__sys_unwind_ip;        /* its register number of the program counter */
/* Fill a ucontext_t from a stack pointer that go__switch saved. */
void go__sys_context(void *ucontext, void *sp);
uintptr_t go__sys_context_pc(const void *ucontext);

#endif
