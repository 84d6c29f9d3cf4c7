/* SPDX-License-Identifier: Apache-2.0
 *
 * prepare.c: checks before a run; gosan inside of gosan.
 *
 * A test suite that already runs its programs by "gosan run" (gosan_add_test does) also runs under a gate. There
 * the inner one prints its report as ever, hands its streams to the outer one, which judges all of them together,
 * and does not fail the test for findings. The tool itself is not to be watched: its child would be taken for a
 * program that the outer one lost.
 */
#include "prepare.h"

#include "baseline.h"
#include "raw.h"
#include "suppress.h"
#include "tmpdir.h"
#include "tool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- Checks ----------------------------------------------------------------------------------------------- */

static void print_settings(void)
{
	static char text[16384];

	gosan_options_help(text, sizeof text);
	fputs(text, stdout);
}

int prepare_words(const char *name, const struct argp_option *const *tables, char **argv)
{
	const char *meant = NULL, *unknown = settings_unknown(tables, argv, &meant);

	if (!unknown)
		return -1;
	if (meant)
		tool_error("%s: unknown option '%s': did you mean '--%s'?", name, unknown, meant);
	else
		tool_error("%s: unknown option '%s': see gosan %s --help", name, unknown, name);
	return TOOL_USAGE;
}

int prepare_begin(const char *name, struct settings *s, const struct argp_option *const *tables, char **argv)
{
	char err[TOOL_ERROR_MAX];
	int error = settings_begin(s, err, sizeof err);

	if (error) {
		tool_error("%s", err);
		return error == -ENOTSUP ? TOOL_MISSING : TOOL_USAGE;
	}
	if (s->help) {
		print_settings();
		return TOOL_OK;
	}
	return prepare_words(name, tables, argv);
}

error_t prepare_recording(int key, char *arg, struct argp_state *state, const char **path)
{
	switch (key) {
	case ARGP_KEY_INIT:
		return 0;
	case ARGP_KEY_ARG:
		if (*path)
			argp_error(state, "one recording at a time");
		*path = arg;
		return 0;
	case ARGP_KEY_END:
		if (!*path)
			argp_error(state, "which recording? usage: %s [OPTION...] TRACE", state->name);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

/* Read, and thrown away: the report that will use them does not exist yet. */
int prepare_settings(const struct settings *settings)
{
	struct settings s = *settings;
	struct report *r = raw_report_new();
	char err[TOOL_ERROR_MAX];
	int status = 0;

	if (gosan_options.suppressions && *gosan_options.suppressions &&
	    suppress_read(r, gosan_options.suppressions, err, sizeof err) != 0)
		status = TOOL_USAGE;
	if (!status)
		status = baseline_load(r, err, sizeof err);
	if (!status && (settings_finish(&s, r->arena, err, sizeof err) != 0 ||
			render_check(s.formats, s.n_formats, err, sizeof err) != 0))
		status = TOOL_USAGE;
	raw_report_free(r);
	if (status)
		tool_error("%s", err);
	return status;
}

/* Half an installation: the tool without the library it preloads. */
int prepare_preload(char *ret, size_t size)
{
	static const char *const names[] = {"libgosan.so", "gosan/libgosan_tsan2.so",
					    "gosan/libgosan_tsan0.so", "gosan/libgosan_clang_tsan.so"};
	char path[TOOL_PATH_MAX];
	size_t n = 0;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (where_library(names[i], path, sizeof path) != 0) {
			tool_error("%s is missing: install or build all of gosan", path);
			return TOOL_MISSING;
		}
		n += (size_t)snprintf(ret + n, size - n, "%s%s", i ? ":" : "", path);
	}
	return 0;
}

int prepare_dir(char *ret, size_t size)
{
	int error = tmpdir_make(ret, size, "gosan");

	if (error)
		tool_error("%s: %s: set TMPDIR to a directory that can be written", ret, strerror(-error));
	return error ? TOOL_INTERNAL : 0;
}

/* --- Inside of a gate ------------------------------------------------------------------------------------- */

/* The list without our library, in place; other libraries stay. */
static void strip(char *list)
{
	char *out = list;

	for (char *word = list, *end; *word; word = end) {
		size_t n = strcspn(word, ": ");
		const char *slash = memrchr(word, '/', n), *name = slash ? slash + 1 : word;

		end = word + n + strspn(word + n, ": ");
		if (strncmp(name, "libgosan", strlen("libgosan")) == 0)
			continue;
		if (out != list)
			*out++ = ':';
		memmove(out, word, n);
		out += n;
	}
	*out = '\0';
}

/* What fails here leaves a tool that is watched, which only costs time. */
void prepare_unwatched(char **argv)
{
	const char *out = getenv("GOSAN_OUT"), *preload = getenv("LD_PRELOAD");

	if (!getenv("GOSAN_GATE") || !out || !*out || !preload)
		return;
	char *list = strdup(preload);
	if (!list)
		return;
	strip(list);
	setenv("GOSAN_OUTER", out, 1);
	unsetenv("GOSAN_OUT");
	unsetenv("GOSAN_GATE");
	if (*list)
		setenv("LD_PRELOAD", list, 1);
	else
		unsetenv("LD_PRELOAD");
	free(list);
	execv("/proc/self/exe", argv);
}

/* Across file systems too: the inner TMPDIR may be another one. */
static bool move(const char *from, const char *to)
{
	char buffer[65536];
	ssize_t n = 0;

	if (rename(from, to) == 0)
		return true;
	int in = open(from, O_RDONLY | O_CLOEXEC),
	    out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	while (in >= 0 && out >= 0 && (n = read(in, buffer, sizeof buffer)) > 0)
		if (write(out, buffer, (size_t)n) != n)
			break;
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
	return in >= 0 && out >= 0 && n == 0;
}

/* Names begin with the process id as those of the outer one do, and go on with ours, so that none meets another. The
 * stream last: with it the outer one may take all three. */
int prepare_hand_on(const char *dir, int status, int own_status)
{
	static const char *const endings[] = {".exec", ".ctr", ".raw"};
	const char *outer = getenv("GOSAN_OUTER");
	char from[TOOL_PATH_MAX], to[TOOL_PATH_MAX];

	if (!outer || !*outer)
		return status;
	for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
		DIR *d = opendir(dir);
		struct dirent *e;

		while (d && (e = readdir(d)) != NULL) {
			const char *dot = strrchr(e->d_name, '.');

			if (!dot || strcmp(dot, endings[i]) != 0)
				continue;
			snprintf(from, sizeof from, "%s/%s", dir, e->d_name);
			snprintf(to, sizeof to, "%s/%.*s-%d%s", outer, (int)(dot - e->d_name), e->d_name,
				 (int)getpid(), dot);
			if (!move(from, to))
				tool_error("the gate around this run cannot be given its streams: %s: %s", to,
					   strerror(errno));
		}
		if (d)
			closedir(d);
	}
	return status == gosan_options.exitcode ? own_status : status;
}
