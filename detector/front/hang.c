/* SPDX-License-Identifier: Apache-2.0
 *
 * hang.c: can somebody still act whom the books of the analyzers do not know?
 *
 * They ask when every thread that they know is parked on one of its objects. The answer is yes, and nothing is
 * reported, when there is a task of this process that is none of the known threads or of ours (a timer's thread, one
 * of a library that calls clone itself); when a handler of the program may run and post a semaphore; when what
 * somebody waits for is there already, so that it is only on its way back; when other processes share it.
 * Called under the engine lock: system calls and the table's lock only.
 */
#include "pthread.h"

#include "../mem.h"
#include "../recorder.h"

#include "../../runtime/probe.h"

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define HIDDEN_MAX 8

static pid_t hidden[HIDDEN_MAX];
static unsigned n_hidden;

/* ---- threads of our own ---- */

/* Where the runtime, if there is one, counts threads that can't end a standstill. */
static _Atomic unsigned *hidden_count(void)
{
	return dlsym(RTLD_DEFAULT, "go_probe_threads");
}

static void note_hidden(pid_t tid)
{
	unsigned i = __atomic_fetch_add(&n_hidden, 1, __ATOMIC_RELAXED);

	if (i < HIDDEN_MAX)
		__atomic_store_n(&hidden[i], tid, __ATOMIC_RELEASE);
}

struct hidden {
	void *(*fn)(void *);
	void *arg;
};

static void *run_hidden(void *arg)
{
	struct hidden h = *(struct hidden *)arg;

	gosan_ignore++;
	gosan_mem_free(arg, sizeof(h));
	note_hidden((pid_t)syscall(SYS_gettid));
	return h.fn(h.arg);
}

int gosan_pthread_hidden(void *(*fn)(void *), void *arg)
{
	struct hidden *h = gosan_mem_alloc(sizeof(*h));
	_Atomic unsigned *count = hidden_count();
	pthread_t thread;
	int rc;

	if (!h)
		return -ENOMEM;
	*h = (struct hidden){fn, arg};
	rc = GOSAN_REAL(pthread_create)(&thread, NULL, run_hidden, h);
	if (rc == 0 && count)
		++*count;
	return rc ? -rc : GOSAN_REAL(pthread_detach)(thread);
}

void gosan_hang_forked(void)
{
	_Atomic unsigned *count = hidden_count();

	if (count)
		*count = 0;
	n_hidden = 0;
	memset(hidden, 0, sizeof(hidden));
}

/* ---- who else there is ---- */

static bool is_tid(struct gosan_thread *t, void *tid)
{
	return t->tid == *(pid_t *)tid;
}

/* An ended thread that is still on its way out is known, and does nothing any more. */
static bool is_known(pid_t tid)
{
	for (unsigned i = 0; i < HIDDEN_MAX; i++)
		if (__atomic_load_n(&hidden[i], __ATOMIC_ACQUIRE) == tid)
			return true;
	return gosan_thread_each(is_tid, &tid);
}

struct entry {
	uint64_t ino;
	int64_t off;
	unsigned short len;
	unsigned char type;
	char name[];
};

/* In one buffer of /proc/self/task. */
static bool unknown_in(const char *buf, long n)
{
	for (long at = 0; at < n;) {
		const struct entry *e = (const void *)(buf + at);

		if (e->name[0] != '.' && !is_known(atoi(e->name)))
			return true;
		at += e->len;
	}
	return false;
}

/* When the list can't be read, somebody may be there. */
static bool unknown_task(void)
{
	_Alignas(8) char buf[2048];
	int fd = (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool found = false;
	long n = -1;

	if (fd < 0)
		return true;
	while (!found && (n = syscall(SYS_getdents64, fd, buf, sizeof(buf))) > 0)
		found = unknown_in(buf, n);
	syscall(SYS_close, fd);
	return found || n < 0;
}

/* What the object itself says: a parked thread's is alive, for it waits there. */
static bool is_there(const struct gosan_obj *obj)
{
	int value = 0;

	switch (obj->kind) {
	case GOSAN_OBJ_MUTEX:
		return ((const pthread_mutex_t *)obj->addr)->__data.__lock == 0;
	case GOSAN_OBJ_SEM:
		return sem_getvalue((sem_t *)obj->addr, &value) != 0 || value > 0;
	case GOSAN_OBJ_SPIN:
		return *(const volatile int *)obj->addr == 1;
	case GOSAN_OBJ_ONCE: /* done, or given up: those who waited for it run soon */
		return (__atomic_load_n((const int *)obj->addr, __ATOMIC_RELAXED) & GOSAN_ONCE_MASK) !=
		       GOSAN_ONCE_RUNNING;
	default:
		return false;
	}
}

static bool may_end(struct gosan_thread *t, void *unused)
{
	const struct gosan_wait *w = &t->g->wait;
	const struct gosan_obj *obj = w->why && w->n ? w->on[0].obj : NULL;

	(void)unused;
	if (t->ended || !obj)
		return false;
	if (obj->flags & GOSAN_OBJ_SHARED || (w->relock && w->relock->flags & GOSAN_OBJ_SHARED))
		return true;
	if (obj->kind == GOSAN_OBJ_SEM && gosan_signal_handlers)
		return true;
	return is_there(obj);
}

static bool can_act(void)
{
	return gosan_recorder_answer(GOSAN_TRACE_CAN_ACT, gosan_front_attached || unknown_task() ||
								  gosan_thread_each(may_end, NULL));
}

void gosan_hang_init(void)
{
	gosan_engine_can_act = can_act;
}
