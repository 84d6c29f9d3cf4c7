/* SPDX-License-Identifier: Apache-2.0
 *
 * sweep.c: files of the directory (<pid>.raw, its page <pid>.ctr, the mark <pid>.exec) to images of the gate.
 *
 * When may a stream be taken while others run? Its last line says that the process ended, and the process is
 * gone. A number can be given to a new process at any moment, which would go on in the same file: so the file
 * gets another name first, and is read only if its process is still gone then. Whoever has it open by then has
 * ended; whoever comes later makes a new file. A stream without an end is left for the last sweep: its process
 * may be alive where we cannot see it (in another pid namespace).
 */
#include "sweep.h"

#include "gate.h"
#include "raw.h"
#include "tool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TAIL_MAX 65536

/* The files of one process; stem is the name without the ending. */
struct files {
	char stream[TOOL_PATH_MAX], taken[TOOL_PATH_MAX], page[TOOL_PATH_MAX], mark[TOOL_PATH_MAX];
};

static void name_files(struct files *f, const char *dir, const char *stem)
{
	snprintf(f->stream, sizeof f->stream, "%s/%s.raw", dir, stem);
	snprintf(f->taken, sizeof f->taken, "%s/%s.taken", dir, stem);
	snprintf(f->page, sizeof f->page, "%s/%s.ctr", dir, stem);
	snprintf(f->mark, sizeof f->mark, "%s/%s.exec", dir, stem);
}

static bool is_gone(const char *stem)
{
	int pid = atoi(stem);

	return pid > 0 && kill(pid, 0) != 0 && errno == ESRCH;
}

/* --- Has it ended? ---------------------------------------------------------------------------------------- */

/* The last line of the file, in buf; "" when it is torn or too long. */
static const char *last_line(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	ssize_t n = 0;

	if (fd < 0)
		return "";
	if (fstat(fd, &st) == 0)
		n = pread(fd, buf, size - 1, st.st_size > (off_t)size - 1 ? st.st_size - (off_t)size + 1 : 0);
	close(fd);
	if (n <= 0 || buf[n - 1] != '\n')
		return "";
	buf[n - 1] = '\0';
	const char *line = strrchr(buf, '\n');
	return line ? line + 1 : st.st_size < (off_t)size ? buf : "";
}

/* An exec ends an image, not the process. */
static bool has_ended(const char *path)
{
	static const char end[] = "{\"r\":\"end\",\"why\":\"";
	static char tail[TAIL_MAX];
	const char *line = last_line(path, tail, sizeof tail);

	return strncmp(line, end, sizeof end - 1) == 0 && strncmp(line + sizeof end - 1, "exec\"", 5) != 0;
}

/* --- Taking ----------------------------------------------------------------------------------------------- */

static const char *read_mark(const char *path, char *buf, size_t size)
{
	FILE *in = fopen(path, "re");

	*buf = '\0';
	if (!in)
		return "";
	if (!fgets(buf, (int)size, in))
		*buf = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	fclose(in);
	return buf;
}

/* The mark of a program that never spoke: the stream, if there is one, stops at the exec. */
static void take_mark(struct sweep *s, const struct files *f, bool answered)
{
	char path[TOOL_PATH_MAX];

	if (!answered && *read_mark(f->mark, path, sizeof path))
		gate_unseen(s->r, path);
	unlink(f->mark);
}

static void number(struct sweep *s, struct process *p, bool last)
{
	p->run = s->run;
	/* What follows it in the stream became of it, by an exec that nobody saw. */
	if (!*p->why && !last)
		p->why = "exec";
}

/* Images with findings stay in the report, and those that tell who waited for whom when they were stopped: their
 * names are still to be looked up. So only such a stream is read into it; the rest are read aside and given back at once. */
static void take_stream(struct sweep *s, const char *path, const struct files *f)
{
	struct report *aside = raw_report_new();
	char err[RAW_ERROR_MAX];
	int error = raw_read_pair(aside, path, f->page, err, sizeof err);
	bool answered = false, keep = aside->n_findings > 0;

	if (error)
		gate_unreadable(s->r, err);
	for (size_t i = 0; i < aside->n_processes; i++) {
		struct process *p = aside->processes[i];
		bool found = false;

		for (size_t k = 0; k < aside->n_findings; k++)
			found |= aside->findings[k]->process == p;
		number(s, p, i + 1 == aside->n_processes);
		gate_image(s->r, p, found);
		answered = strcmp(p->why, "exec") != 0;
		keep |= p->n_dumps > 0;
	}
	if (keep) {
		size_t before = s->r->n_processes;

		raw_read_pair(s->r, path, f->page, err, sizeof err);
		for (size_t i = before; i < s->r->n_processes; i++)
			number(s, s->r->processes[i], i + 1 == s->r->n_processes);
	}
	raw_report_free(aside);
	take_mark(s, f, answered || error);
	unlink(path);
	unlink(f->page);
}

/* --- Sweeping --------------------------------------------------------------------------------------------- */

static bool ends_with(const char *name, const char *ending, char *ret_stem, size_t size)
{
	size_t n = strlen(name), m = strlen(ending);

	if (n <= m || strcmp(name + n - m, ending) != 0)
		return false;
	snprintf(ret_stem, size, "%.*s", (int)(n - m), name);
	return true;
}

static void sweep_stream(struct sweep *s, const char *stem, bool rest)
{
	struct files f;

	name_files(&f, s->dir, stem);
	if (rest) {
		take_stream(s, f.stream, &f);
		return;
	}
	if (!is_gone(stem) || !has_ended(f.stream) || access(f.taken, F_OK) == 0 ||
	    rename(f.stream, f.taken) != 0)
		return;
	if (is_gone(stem))
		take_stream(s, f.taken, &f);
}

/* Renamed, but its number came to life in that moment: now or never. */
static void sweep_taken(struct sweep *s, const char *stem, bool rest)
{
	struct files f;

	name_files(&f, s->dir, stem);
	if (rest || is_gone(stem))
		take_stream(s, f.taken, &f);
}

/* Marks without a stream. They are looked at after the streams, which answer theirs. */
static void sweep_mark(struct sweep *s, const char *stem, bool rest)
{
	struct files f;

	name_files(&f, s->dir, stem);
	if (access(f.mark, F_OK) != 0 || access(f.stream, F_OK) == 0 || access(f.taken, F_OK) == 0)
		return;
	if (rest || is_gone(stem))
		take_mark(s, &f, false);
}

/* In the order of names, as raw_read_dir: findings come in the order of the processes' starts, mostly. */
static void sweep(struct sweep *s, bool rest)
{
	static const struct {
		const char *ending;
		void (*fn)(struct sweep *, const char *stem, bool rest);
	} kinds[] = {{".taken", sweep_taken}, {".raw", sweep_stream}, {".exec", sweep_mark}};
	struct dirent **names;
	char stem[256];
	int n = scandir(s->dir, &names, NULL, versionsort);

	for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
		for (int i = 0; i < n; i++)
			if (ends_with(names[i]->d_name, kinds[k].ending, stem, sizeof stem))
				kinds[k].fn(s, stem, rest);
	for (int i = 0; i < n; i++)
		free(names[i]);
	if (n >= 0)
		free(names);
}

void sweep_ended(struct sweep *s)
{
	sweep(s, false);
}

void sweep_rest(struct sweep *s)
{
	sweep(s, true);
}
