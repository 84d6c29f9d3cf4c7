/* SPDX-License-Identifier: Apache-2.0
 *
 * replay_run.c: one process' recording from its tables to its raw stream. replay.c does the records.
 *
 * Why a process of its own: engine, shadow memory and analyzers have one state, as they need in a live process, and a
 * recording has several processes. It also keeps a crash over a damaged file, or a table of half the address space, away
 * from the tool.
 *
 * The stream is what the live process would have written: so everything that follows (names, fingerprints, suppressions,
 * formats) is the same code for both. What the replay cannot know, the process' own counters say.
 */
#include "replay_private.h"

#include "access.h"
#include "context.h"
#include "depot.h"
#include "finding.h"
#include "module.h"
#include "options.h"
#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXIT_AGAIN 3 /* of the child */

static struct trace *trace;
static bool partial; /* this is the second time, up to the first hole */

/* Checks that were switched off then are off now. Other settings of then (formats, files) are not ours. */
static void take_checks(const char *options)
{
	char *text = strdup(options), *save;

	for (char *w = text ? strtok_r(text, ":", &save) : NULL; w; w = strtok_r(NULL, ":", &save)) {
		if (strncmp(w, "checks=", 7) == 0 && strcmp(gosan_options.checks, "all") == 0)
			gosan_options.checks = w + 7;
		if (strncmp(w, "no_checks=", 10) == 0 && !*gosan_options.no_checks)
			gosan_options.no_checks = w + 10;
	}
	gosan_options.halt_on_error = false;
}

/* Before anything is replayed, with the numbers that records refer to: modules decide which frames are shown,
 * contexts and stacks are named by their ids. */
static int load(void)
{
	const struct trace_info *info = trace_info(trace);
	struct gosan_module *m = calloc(info->n_modules + 1, sizeof *m);
	uintptr_t pcs[GOSAN_STACK_MAX];
	uint32_t n = 0;
	int rc;

	for (size_t i = 0; m && i < info->n_modules; i++) {
		const struct trace_module *from = &info->modules[i];

		m[i] = (struct gosan_module){.path = from->path,
					     .base = from->base,
					     .start = from->start,
					     .end = from->end,
					     .kind = (enum gosan_module_kind)from->kind,
					     .instrumented = from->instrumented,
					     .own_tsan = from->own_tsan,
					     .go = from->go};
		snprintf(m[i].build_id, sizeof m[i].build_id, "%s", from->build_id);
	}
	rc = m ? gosan_module_load(m, info->n_modules) : -ENOMEM;
	free(m);
	while (trace_context(trace, n))
		n++;
	if (rc == 0)
		rc = gosan_context_load(trace_context(trace, 0), n);
	if (rc == 0)
		rc = gosan_access_init();
	for (uint32_t id = 1; rc == 0 && trace_has_stack(trace, id); id++)
		gosan_depot_put(pcs, trace_stack(trace, id, pcs, GOSAN_STACK_MAX));
	return rc;
}

/* As session.c writes it, so that the tool takes the stream for one of a live process. */
static void start_line(const struct trace_info *info)
{
	if (!gosan_stream_begin("start"))
		return;
	gosan_stream_uint("v", 1);
	gosan_stream_uint("pid", (uint64_t)info->pid);
	gosan_stream_uint("ppid", (uint64_t)info->ppid);
	gosan_stream_text("program", info->program);
	gosan_stream_open_list("argv");
	for (size_t i = 0; i < info->n_argv; i++)
		gosan_stream_text(NULL, info->argv[i]);
	gosan_stream_close_list();
	gosan_stream_text("cwd", info->cwd);
	gosan_stream_text("options", info->options);
	gosan_stream_end_line();
}

/* From the page: where there is no room, there may be none for the note. */
static const char *ended_early(const struct gosan_trace_page *page, char *text, size_t size)
{
	int error = (int)page->error;
	const char *why = error == ENOSPC || error == EDQUOT ? "no space left"
			  : error == EFBIG                   ? "the limit on file sizes"
			  : error == ENOMEM                  ? "no memory"
							     : "the folder cannot be written";

	snprintf(text, size, "what came after recording ended before the program: %s (error %d)", why, error);
	return text;
}

/* What the process could not see, and what its recording lacks. */
static void say_not_checked(void (*say)(const char *text))
{
	const struct trace_info *info = trace_info(trace);
	char text[128];

	for (size_t i = 0; i < info->n_not_checked; i++)
		say(info->not_checked[i]);
	if (!(info->features & GOSAN_TRACE_ACCESSES))
		say("memory accesses: not recorded");
	for (size_t i = 0; i < info->n_notes; i++)
		if (strncmp(info->notes[i], "recording ended", 15) != 0)
			say(info->notes[i]);
	if (info->page->stop_time)
		say(ended_early(info->page, text, sizeof text));
	if (replay_cut_ns) {
		snprintf(text, sizeof text,
			 "the first %.1f s: overwritten (trace_mb); after them only data races",
			 (double)replay_cut_ns / 1e9);
		say(text);
	}
	if (partial)
		say("what came after the first event that is missing in the recording");
}

static void say_in_list(const char *text)
{
	gosan_stream_text(NULL, text);
}

/* The process counted what the replay cannot see; findings are the replay's. What got lost here as well counts. */
static void settle_counters(void)
{
	struct gosan_counters was = trace_info(trace)->counters, *now = gosan_counters;
	struct trace_loss loss;

	trace_loss(trace, &loss);
	was.findings = now->findings;
	was.findings_lost = now->findings_lost;
	was.lost += loss.lost + loss.gaps + loss.damaged + (was.lost < now->lost ? now->lost - was.lost : 0);
	if (was.clock_lost < now->clock_lost)
		was.clock_lost = now->clock_lost;
	if (was.shadow_lost < now->shadow_lost)
		was.shadow_lost = now->shadow_lost;
	if (was.stacks_lost < now->stacks_lost)
		was.stacks_lost = now->stacks_lost;
	if (!trace_info(trace)->ended) {
		was.events = now->events; /* those of the short ways were not added up yet */
		was.accesses = now->accesses;
	}
	if (!was.threads)
		was.threads = now->threads;
	*now = was;
}

/* A process that was killed has no end line: then its counters are beside the stream, as a live one's are, and what
 * everybody was doing is told. */
static int finish(const char *out)
{
	const struct trace_info *info = trace_info(trace);
	char path[4096];
	int fd, rc = 0;

	/* Without its last record the story breaks off: who is blocked there may have gone on. */
	if (!replay_finished && !(info->ended && info->by_exec))
		gosan_engine_end(GOSAN_END_CRASH);
	if (!info->ended || info->end == GOSAN_END_TIMEOUT) {
		gosan_engine_lock();
		gosan_stream_dump((enum gosan_end)info->end);
		gosan_engine_unlock();
	}
	gosan_access_flush();
	settle_counters();
	if (info->ended && info->by_exec) {
		gosan_stream_end_exec();
	} else if (info->ended) {
		gosan_stream_end((enum gosan_end)info->end, info->status);
	} else {
		if (gosan_stream_begin("not_checked")) {
			gosan_stream_open_list("list");
			say_not_checked(say_in_list);
			gosan_stream_close_list();
			gosan_stream_uint("status", (uint64_t)info->status);
			gosan_stream_end_line();
		}
		snprintf(path, sizeof path, "%s.ctr", out);
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		if (fd < 0 ||
		    write(fd, gosan_counters, sizeof *gosan_counters) != (ssize_t)sizeof *gosan_counters)
			rc = -errno;
		if (fd >= 0)
			close(fd);
	}
	gosan_stream_close();
	return rc;
}

/* What needs the whole story, such as who holds a lock, is not judged of the rest of one. */
static void begin_cut(void)
{
	if (!replay_cut_ns)
		return;
	if (gosan_check_on("race"))
		gosan_options.checks = "race";
	else
		gosan_options.no_checks = "all";
	replay_need_actors();
}

/* In the child. */
static int replay(const char *process, const char *out, char *err, size_t err_size)
{
	char path[4096];
	struct trace_event e;
	struct trace_loss loss;
	int rc = trace_open(&trace, process, err, err_size);

	if (rc != 0)
		return rc;
	take_checks(trace_info(trace)->options);
	gosan_stream_not_checked = say_not_checked;
	snprintf(path, sizeof path, "%s.raw", out);
	rc = replay_begin(trace);
	if (rc == 0)
		rc = load();
	if (rc == 0)
		rc = gosan_stream_open(path);
	if (rc != 0) {
		snprintf(err, err_size, "%s: cannot be replayed: %s", process, strerror(-rc));
		return rc;
	}
	start_line(trace_info(trace));
	begin_cut();
	while (trace_next(trace, &e) && !(partial && e.gap && e.ns >= replay_cut_ns))
		replay_record(&e);
	trace_loss(trace, &loss);
	if (loss.gaps && !partial)
		return -EAGAIN;
	return finish(out);
}

/* In a child: what fails, or even crashes over a damaged file, is one process of the recording. */
static int replay_child(const char *process, const char *out, char *err, size_t err_size)
{
	int pipe_fd[2], status = 0;
	ssize_t n;
	pid_t child;

	if (pipe2(pipe_fd, O_CLOEXEC) != 0)
		return -errno;
	fflush(NULL);
	child = fork();
	if (child == 0) {
		int rc = replay(process, out, err, err_size);

		if (rc != 0 && write(pipe_fd[1], err, strnlen(err, err_size)) < 0)
			_exit(2);
		_exit(rc == -EAGAIN ? EXIT_AGAIN : rc != 0);
	}
	close(pipe_fd[1]);
	n = child > 0 ? read(pipe_fd[0], err, err_size - 1) : 0;
	err[n > 0 ? n : 0] = 0;
	close(pipe_fd[0]);
	if (child < 0 || waitpid(child, &status, 0) != child)
		return -ECHILD;
	if (!WIFEXITED(status) && !*err)
		snprintf(err, err_size, "%s: the recording is damaged: it cannot be replayed", process);
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_AGAIN)
		return -EAGAIN;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EBADMSG;
}

/* From a wake-up that is missing would follow leaks and deadlocks that never were, from an order that is missing races.
 * So a recording that turns out to have holes is replayed again, up to the first: up to there it is that of a process
 * which was killed at that moment. Few have, so nobody else pays for looking first. */
int replay_process(const char *process, const char *out, char *err, size_t err_size)
{
	char path[4096];
	int rc = replay_child(process, out, err, err_size);

	if (rc != -EAGAIN)
		return rc;
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof path, "%s.%s", out, i ? "ctr" : "raw");
		unlink(path);
	}
	partial = true;
	rc = replay_child(process, out, err, err_size);
	partial = false;
	return rc;
}
