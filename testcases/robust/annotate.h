// SPDX-License-Identifier: Apache-2.0
/* The part of ThreadSanitizer's interface that the cases call, and a hidden turn: an int that only functions
 * without instrumentation touch, so that the detector sees no order in it. */
#ifndef ANNOTATE_H
#define ANNOTATE_H

#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>

void __tsan_acquire(void *addr);
void __tsan_release(void *addr);
void __tsan_ignore_thread_begin(void);
void __tsan_ignore_thread_end(void);
void *__tsan_get_current_fiber(void);
void *__tsan_create_fiber(unsigned flags);
void __tsan_destroy_fiber(void *fiber);
void __tsan_switch_to_fiber(void *fiber, unsigned flags);
void __tsan_set_fiber_name(void *fiber, const char *name);
void __tsan_mutex_create(void *addr, unsigned flags);
void __tsan_mutex_destroy(void *addr, unsigned flags);
void __tsan_mutex_pre_lock(void *addr, unsigned flags);
void __tsan_mutex_post_lock(void *addr, unsigned flags, int recursion);
int __tsan_mutex_pre_unlock(void *addr, unsigned flags);
void __tsan_mutex_post_unlock(void *addr, unsigned flags);
void AnnotateHappensBefore(const char *file, int line, void *addr);
void AnnotateHappensAfter(const char *file, int line, void *addr);
void AnnotateIgnoreReadsBegin(const char *file, int line);
void AnnotateIgnoreReadsEnd(const char *file, int line);
void AnnotateIgnoreWritesBegin(const char *file, int line);
void AnnotateIgnoreWritesEnd(const char *file, int line);
void AnnotateIgnoreSyncBegin(const char *file, int line);
void AnnotateIgnoreSyncEnd(const char *file, int line);
void AnnotateBenignRace(const char *file, int line, void *addr, const char *why);
void AnnotateBenignRaceSized(const char *file, int line, void *addr, size_t size, const char *why);
void AnnotateRWLockCreate(const char *file, int line, void *lock);
void AnnotateRWLockCreateStatic(const char *file, int line, void *lock);
void AnnotateRWLockDestroy(const char *file, int line, void *lock);
void AnnotateRWLockAcquired(const char *file, int line, void *lock, uintptr_t is_w);
void AnnotateRWLockReleased(const char *file, int line, void *lock, uintptr_t is_w);
void __tsan_testonly_barrier_init(uint64_t *barrier, unsigned count);
void __tsan_testonly_barrier_wait(uint64_t *barrier);

/* clang leaves the hooks of atomics in what is merely not sanitized. */
#ifdef __clang__
#define HIDDEN __attribute__((disable_sanitizer_instrumentation, noinline, unused))
#else
#define HIDDEN __attribute__((no_sanitize("thread"), noinline, unused))
#endif

static int turn;

HIDDEN static void hidden_set(int value)
{
	*(volatile int *)&turn = value;
}

HIDDEN static void hidden_wait(int value)
{
	while (*(volatile int *)&turn < value)
		sched_yield();
}

/* A lock of the program's own: a word that is tested and set where the detector can't see it. */
struct spin {
	int word;
};

HIDDEN static void spin_take(struct spin *s)
{
	while (!__sync_bool_compare_and_swap(&s->word, 0, 1))
		sched_yield();
}

HIDDEN static void spin_give(struct spin *s)
{
	__sync_lock_release(&s->word);
}

#endif
