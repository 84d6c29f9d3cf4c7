// SPDX-License-Identifier: Apache-2.0
/* check_killed.c RECORDING DONE BEGUN ...: are recordings of killed.c what they must be? Of each: readable, no damage,
 * no gap, at most one torn record per stream, each thread's operations there but for at most one, and the race found
 * when it had happened. BEGUN 0: it was killed on its way to begin, and there may be nothing. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "replay.h"
#include "tool.h"
#include "trace.h"

#define THREADS 3

struct done {
	struct {
		unsigned long raced, locks, unlocks;
	} thread[THREADS];
};

static int failures;

void tool_error(const char *fmt, ...)
{
	(void)fmt;
}

static void fail(const char *path, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void fail(const char *path, const char *fmt, ...)
{
	va_list ap;

	printf("%s: ", path);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	failures++;
}

/* Threads are numbered as they are made: the main thread is 1. */
static void count(const struct trace *t, const struct trace_event *e, struct done *seen)
{
	const struct gosan_trace_actor *a = trace_actor(t, e->g);
	unsigned op = e->rec.op;

	if (!a || a->tid < 2 || a->tid > THREADS + 1)
		return;
	if (op == GOSAN_TRACE_ACQUIRE || op == GOSAN_TRACE_TAKE ||
	    op == GOSAN_TRACE_EVENT + GOSAN_EV_LOCK_ACQUIRE)
		seen->thread[a->tid - 2].locks++;
	if (op == GOSAN_TRACE_RELEASE || op == GOSAN_TRACE_EVENT + GOSAN_EV_LOCK_RELEASE)
		seen->thread[a->tid - 2].unlocks++;
}

static void compare(const char *path, const char *what, int i, unsigned long seen, unsigned long done)
{
	if (seen < done || seen > done + 1)
		fail(path, "thread %d: %lu of %lu %s are recorded", i, seen, done, what);
}

static void check_records(const char *path, struct trace *t, const struct done *done)
{
	struct done seen = {0};
	struct trace_loss loss;
	struct trace_event e;

	while (trace_next(t, &e))
		count(t, &e, &seen);
	for (int i = 0; i < THREADS; i++) {
		compare(path, "locks", i, seen.thread[i].locks, done->thread[i].locks);
		compare(path, "unlocks", i, seen.thread[i].unlocks, done->thread[i].unlocks);
	}
	trace_loss(t, &loss);
	if (loss.damaged || loss.gaps || loss.lost || loss.stopped || loss.torn > THREADS + 1)
		fail(path, "%lu damaged, %lu gaps, %lu lost, %lu torn, stopped %d", loss.damaged, loss.gaps,
		     loss.lost, loss.torn, loss.stopped);
}

static unsigned long raced(const struct done *done)
{
	unsigned long n = 0;

	for (int i = 0; i < THREADS; i++)
		n += done->thread[i].raced;
	return n;
}

/* The raw stream of a replay is read as text: one finding is one line with its code. */
static void check_finding(const char *path, const struct done *done)
{
	char out[4096], file[4200], err[512], line[65536];
	bool found = false;
	FILE *in;

	snprintf(out, sizeof out, "%s.replay", path);
	if (replay_process(path, out, err, sizeof err) != 0) {
		fail(path, "replay: %s", err);
		return;
	}
	snprintf(file, sizeof file, "%s.raw", out);
	in = fopen(file, "r");
	while (in && fgets(line, sizeof line, in)) {
		if (strstr(line, "\"code\":\"GS101\""))
			found = true;
		else if (strstr(line, "\"r\":\"finding\""))
			fail(path, "there is nothing else to find: %s", line);
	}
	if (in)
		fclose(in);
	if (!found && raced(done) >= 2)
		fail(path, "the race is not found");
}

static bool read_done(const char *path, struct done *ret)
{
	FILE *in = fopen(path, "r");
	bool ok = in && fread(ret, sizeof *ret, 1, in) == 1;

	if (in)
		fclose(in);
	return ok;
}

static void check(const char *path, const char *done_path, bool begun)
{
	struct trace_list l;
	struct trace *t = NULL;
	struct done done;
	char err[512];
	int rc = trace_list_read(&l, path, err, sizeof err);

	if (!read_done(done_path, &done)) {
		fail(path, "%s cannot be read", done_path);
		return;
	}
	if (rc == 0)
		rc = trace_open(&t, l.path[0], err, sizeof err);
	if (rc != 0) {
		if (begun)
			fail(path, "%s", err);
	} else {
		check_records(path, t, &done);
		trace_close(t);
		check_finding(l.path[0], &done);
	}
	trace_list_free(&l);
}

int main(int argc, char **argv)
{
	for (int i = 1; i + 2 < argc; i += 3)
		check(argv[i], argv[i + 1], atoi(argv[i + 2]) != 0);
	return failures != 0;
}
