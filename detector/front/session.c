/* SPDX-License-Identifier: Apache-2.0
 *
 * session.c: one process, one stream, one page of counters.
 *
 * Two kinds of session. Under the tool (GOSAN_OUT is set) the files are made at once, so that a process that
 * is killed leaves what it had. Preloaded alone, the directory is made at the first finding or at the end:
 * most processes that a preload reaches (shells, their tools) have nothing to report and stay silent.
 *
 * A process that replaces itself by exec keeps its id and goes on in the same file: a second start line says
 * that what follows is another program. Its counters start again.
 */
#include "session.h"

#include "front.h"

#include "../chain.h"
#include "../finding_hook.h"
#include "../lockpath.h"
#include "../options.h"
#include "../recorder.h"
#include "../stream.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Written at start and in a forked child, before other threads; read afterwards. */
static struct {
	char dir[PATH_MAX - 64]; /* "" while there is none */
	char file[PATH_MAX];     /* of the stream */
	bool alone;              /* no tool around us */
	bool forked;
	pid_t pid;
	int argc;
	char **argv;
	struct gosan_counters page; /* where the counters are when they have no file */
} session;

static const char *cwd(char *buf, size_t size)
{
	return getcwd(buf, size) ? buf : "";
}

static const char *program(char *buf, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", buf, size - 1);

	buf[n > 0 ? n : 0] = 0;
	return buf;
}

/* argv points into the initial stack, which a program may have overwritten by its end (setproctitle): so the
 * start line is written early where it can be. */
static void write_start(void)
{
	char path[PATH_MAX];
	const char *options = getenv("GOSAN_OPTIONS");

	if (!gosan_stream_begin("start"))
		return;
	gosan_stream_uint("v", 1);
	gosan_stream_uint("pid", (uint64_t)session.pid);
	gosan_stream_uint("ppid", (uint64_t)getppid());
	gosan_stream_text("program", program(path, sizeof(path)));
	gosan_stream_open_list("argv");
	for (int i = 0; i < session.argc; i++)
		gosan_stream_text(NULL, session.argv[i]);
	gosan_stream_close_list();
	gosan_stream_text("cwd", cwd(path, sizeof(path)));
	gosan_stream_text("options", options ? options : "");
	gosan_stream_end_line();
}

/* Mode 0700 by mkdtemp: findings tell addresses and paths, which are nobody else's business. */
static int make_dir(void)
{
	const char *tmp[] = {getenv("TMPDIR"), "/tmp"};

	for (size_t i = 0; i < 2 && !session.dir[0]; i++) {
		if (!tmp[i] || tmp[i][0] != '/')
			continue;
		snprintf(session.dir, sizeof(session.dir), "%s/gosan-XXXXXX", tmp[i]);
		if (!mkdtemp(session.dir))
			session.dir[0] = 0;
	}
	return session.dir[0] ? 0 : -EACCES;
}

/* 0 or negative errno. A run whose stream cannot be opened goes on: the tool misses it and says so. */
static int open_stream(void)
{
	int rc;

	snprintf(session.file, sizeof(session.file), "%s/%d.raw", session.dir, (int)session.pid);
	rc = gosan_stream_open(session.file);
	if (rc == 0)
		write_start();
	return rc;
}

/* Of a session without the tool in front. Without a stream the tool can't be asked, but a finding is never lost. */
static void need_stream(void)
{
	if (gosan_report_prints_itself() || gosan_stream_is_open())
		return;
	if (make_dir() != 0 || open_stream() != 0)
		gosan_report_alone();
}

/* Under the engine lock, at each finding of such a session. */
static void on_finding(const struct gosan_finding *f)
{
	need_stream();
	if (gosan_report_prints_itself())
		gosan_report_finding(f);
}

static void count_in(struct gosan_counters *page)
{
	if (page != gosan_counters)
		memcpy(page, gosan_counters, sizeof(*page));
	gosan_counters = page;
}

/* A recording has them too: then path, or NULL, leads there. */
static void record_counters(const char *path)
{
	struct gosan_counters *page = gosan_recorder_counters(path);

	if (page)
		count_in(page);
}

/* The counters beside the stream: they survive a SIGKILL. Without the file they count on in our memory. */
static void share_counters(void)
{
	char path[PATH_MAX];
	void *page = MAP_FAILED;
	sigset_t before;
	int fd;

	snprintf(path, sizeof(path), "%.*s.ctr", (int)(strlen(session.file) - 4), session.file);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	/* Allocated, not just sized: a page that a full disk has no room for would be a SIGBUS at its first use. */
	gosan_stream_limit_begin(&before);
	bool room = fd >= 0 && posix_fallocate(fd, 0, sizeof(struct gosan_counters)) == 0;
	gosan_stream_limit_end(&before, !room);
	if (room)
		page = (void *)syscall(SYS_mmap, NULL, sizeof(struct gosan_counters), PROT_READ | PROT_WRITE,
				       MAP_SHARED, (long)fd, 0L);
	if (fd >= 0)
		syscall(SYS_close, fd);
	if (page == MAP_FAILED)
		page = &session.page;
	count_in(page);
	record_counters(path);
}

void gosan_session_init(int argc, char **argv)
{
	const char *out = getenv("GOSAN_OUT");

	session.pid = getpid();
	session.argc = argc;
	session.argv = argv;
	session.alone = !out || !out[0];
	gosan_stream_not_checked = gosan_awake_not_checked;
	if (session.alone) {
		gosan_report_init();
		gosan_finding_seen = on_finding;
		record_counters(NULL);
		return;
	}
	snprintf(session.dir, sizeof(session.dir), "%s", out);
	if (open_stream() == 0)
		share_counters();
}

/* A system call each time: glibc no longer caches it, and a cache is what vfork would fool. */
bool gosan_session_is_ours(void)
{
	return session.pid == getpid();
}

bool gosan_session_forked(void)
{
	return session.forked;
}

const char *gosan_session_dir(void)
{
	return session.alone ? "" : session.dir;
}

/* Ours alone: there is one stream in the directory and no page of counters. */
static void remove_files(void)
{
	unlink(session.file);
	rmdir(session.dir);
}

/* Findings replace the status of a program that was stopped by its time limit, as they do a zero. */
static int render(enum gosan_end why, int status)
{
	int rendered = gosan_report_render(session.dir, why == GOSAN_END_TIMEOUT ? 0 : status);

	return why == GOSAN_END_TIMEOUT && rendered == 0 ? status : rendered;
}

static void end_recording(enum gosan_end why, int status)
{
	static const char *const texts[] = {[GOSAN_END_EXIT] = "exit",
					    [GOSAN_END_STALL] = "stall",
					    [GOSAN_END_TIMEOUT] = "timeout",
					    [GOSAN_END_CRASH] = "crash"};

	if (gosan_recorder_on)
		gosan_awake_not_checked(gosan_recorder_not_checked);
	gosan_recorder_end(texts[why], status);
}

int gosan_session_end(enum gosan_end why, int status)
{
	bool something = gosan_counters->findings || gosan_awake_any() || gosan_awake_own_runtime();

	gosan_pthread_flush();
	if (!gosan_engine_inside())
		gosan_access_flush();
	end_recording(why, status);
	if (!session.alone) {
		gosan_stream_end(why, status);
		gosan_stream_close();
		return status;
	}
	/* Preloaded into everything, a process that has nothing to say says nothing. */
	if (!something || (session.forked && !gosan_counters->findings))
		return status;
	need_stream();
	gosan_stream_end(why, status);
	gosan_stream_close();
	status = render(why, status);
	if (session.dir[0])
		remove_files();
	return status;
}

/* Only what was found is known by then: nothing has ended. When the exec fails, a later end line counts. */
void gosan_session_exec(void)
{
	if (gosan_recorder_on)
		gosan_awake_not_checked(gosan_recorder_not_checked);
	gosan_recorder_end("exec", 0);
	if (session.alone && !gosan_stream_is_open())
		return;
	gosan_pthread_flush();
	gosan_access_flush();
	gosan_stream_end_exec();
	if (session.alone)
		gosan_report_render(session.dir, 0);
}

/* In lock order; the child gets them all free and the tables whole. */
void gosan_session_fork_prepare(void)
{
	gosan_engine_fork(true);
	gosan_stream_fork(true);
}

void gosan_session_fork_parent(void)
{
	gosan_stream_fork(false);
	gosan_engine_fork(false);
}

/* The other goroutines and threads stayed with the parent: they do nothing any more in this copy of memory, so
 * all that they did is before whatever the child does. */
static void forget_others(void)
{
	struct gosan_g *me = gosan_self;

	if (me)
		gosan_chain_alone(me);
	for (struct gosan_g *g = gosan_engine_all(); g; g = g->next) {
		if (g == me || g->ended)
			continue;
		g->ended = true;
		g->wait.why = 0;
	}
}

/* In the child, which has every lock from the prepare. The parent's counts are not ours. */
void gosan_session_fork_child(void)
{
	gosan_stream_fork(false);
	gosan_engine_fork(false); /* clocks take the leaf locks */
	gosan_engine_lock();
	gosan_lockpath_fork_child();
	gosan_engine_fork(false); /* the rest may allocate, which needs the memory's lock */
	gosan_engine_lock();
	forget_others();
	gosan_finding_forked();
	gosan_engine_unlock();
	session.pid = getpid();
	session.forked = true;
	gosan_exit_forked();
	gosan_access_fork_child();
	gosan_stream_close();
	memset(&session.page, 0, sizeof(session.page));
	gosan_counters = &session.page;
	session.page.threads = 1;
	gosan_recorder_fork_child();
	if (session.alone) {
		session.dir[0] = 0;
		record_counters(NULL);
		return;
	}
	if (open_stream() == 0)
		share_counters();
}
