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
void *go__sys_map_huge(size_t size); /* in huge pages and so aligned, if there are any; a multiple of 2 MiB */
void go__sys_unmap(void *p, size_t size);
int go__sys_guard(void *p, size_t size, bool mapping); /* any access faults; mapping: as one of its own */
void go__sys_discard(void *p, size_t size);            /* the content is not needed any more */

int64_t go__sys_now(void);
uint64_t go__sys_seed(void);
int go__sys_cpus(void);
bool go__sys_is_main_thread(void);
int go__sys_threads(void); /* of this process; negative when unknown */

/* epoll_wait with a timeout in ns (negative: none). Number of events. */
int go__sys_epoll_wait(int fd, struct epoll_event *events, int n, int64_t ns);

/* The record of this thread (m.c), NULL when it has none. By assembler: a compiler may keep the address of
 * a thread-local variable, or the thread pointer itself, over a context switch after which another thread goes
 * on. Initial-exec, which the linker turns into a constant offset inside a program. */
extern __thread struct go_m *go__m_self __attribute__((tls_model("initial-exec"), visibility("hidden")));

static inline void *go__sys_self(void)
{
	void *self;
#if defined(__x86_64__)
	__asm__ volatile("movq go__m_self@gottpoff(%%rip), %0\n\tmovq %%fs:(%0), %0" : "=r"(self));
#elif defined(__aarch64__)
	void *offset;
	__asm__ volatile("mrs %0, tpidr_el0\n\t"
			 "adrp %1, :gottprel:go__m_self\n\t"
			 "ldr %1, [%1, #:gottprel_lo12:go__m_self]\n\t"
			 "ldr %0, [%0, %1]"
			 : "=&r"(self), "=&r"(offset));
#endif
	return self;
}

/* For a protocol whose frequent side must not pay for a fence: after the heavy one, each thread of this
 * process has executed a full fence since the call. False from go__sys_fence_start: the kernel can't do it
 * (membarrier, Linux 4.14), and both sides need real fences. */
bool go__sys_fence_start(void);
void go__sys_fence_heavy(void);

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
