/* SPDX-License-Identifier: Apache-2.0
 *
 * main.c: the table of subcommands, the exit statuses, and the one place that reports errors.
 *
 * Each command parses its own arguments and returns its exit status; nothing below a command calls exit,
 * but argp with a usage error. Adding a command is a row here and a file cmd_<name>.c.
 */
#include "options.h"
#include "prepare.h"
#include "tool.h"

#include <argp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* summary NULL: not listed. */
static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *arguments, *summary;
} commands[] = {
	{"run", cmd_run, "[OPTION...] [--] PROGRAM [ARG...]", "run under the detector, report, verdict"},
	{"gate", cmd_gate, "[OPTION...] [--] COMMAND [ARG...]", "the same over all processes of a test run"},
	{"baseline", cmd_baseline, "update|stale FILE ...", "the file of known findings"},
	{"cc", cmd_cc, "[COMPILER ARG...]", "compile and link C for gosan"},
	{"c++", cmd_cc, "[COMPILER ARG...]", "compile and link C++ for gosan"},
	{"explain", cmd_explain, "CODE|KIND", "what a finding means, with a broken and a fixed program"},
	{"report", cmd_report, "[OPTION...] TRACE", "the report of a recording (run --trace=TRACE)"},
	{"dump", cmd_dump, "[OPTION...] TRACE", "the events of a recording as text"},
	{"export", cmd_export, "--format=std|chrome TRACE", "a recording for RAPID, or for Perfetto"},
	{"import", cmd_import, "FILE", "the data races of a recording in RAPID's STD format"},
	{"render-raw", cmd_render_raw, "DIR", NULL},
	{"go", cmd_later, "", NULL},
};
#define N_COMMANDS (sizeof commands / sizeof *commands)

/* Lower case, one line, what to do at its end: the form of all messages of the tool. */
void tool_error(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fputs("gosan: ", stderr);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
	va_end(args);
}

/* Commands that this version lacks are not listed. */
static void help(FILE *out)
{
	fputs("usage: gosan COMMAND [ARG...]\n\nFinds concurrency bugs in native programs while they "
	      "run.\n\n",
	      out);
	for (size_t i = 0; i < N_COMMANDS; i++)
		if (commands[i].summary)
			fprintf(out, "  %-8s %-36s %s\n", commands[i].name, commands[i].arguments,
				commands[i].summary);
	fputs("\n  gosan COMMAND --help shows a command's options; --version shows the version.\n"
	      "  First steps: gosan cc prog.c -o prog && gosan run ./prog\n"
	      "  Exit status: 0 clean, 64 usage, 65 unreadable input, 66 findings, 70 internal error,\n"
	      "  77 a needed part is missing; the program's own non-zero status passes through.\n",
	      out);
}

/* Only listed commands are suggested. */
static int unknown(const char *word)
{
	const char *names[N_COMMANDS + 1] = {NULL};
	size_t n = 0;

	for (size_t i = 0; i < N_COMMANDS; i++)
		if (commands[i].summary)
			names[n++] = commands[i].name;
	const char *meant = gosan_options_suggest(word, names);
	if (meant)
		tool_error("unknown command '%s': did you mean '%s'?", word, meant);
	else
		tool_error("unknown command '%s': see gosan --help", word);
	return TOOL_USAGE;
}

static int unknown_option(const char *word)
{
	static const char *const names[] = {"--help", "--version", NULL};
	const char *meant = gosan_options_suggest(word, names);

	tool_error("unknown option '%s'%s%s%s", word, meant ? ": did you mean '" : ": see gosan --help",
		   meant ? meant : "", meant ? "'?" : "");
	return TOOL_USAGE;
}

static void print_version(FILE *out, struct argp_state *state)
{
	(void)state;
	fputs("gosan " GOSAN_VERSION "\n", out);
}

/* Build systems that want a compiler of one word (CMake, libtool) call a link of this name: gosan-cc, gosan-c++. */
static char *compiler_name(const char *argv0)
{
	static char cc[] = "cc", cxx[] = "c++";
	const char *slash = strrchr(argv0, '/'), *name = slash ? slash + 1 : argv0;

	return strcmp(name, "gosan-cc") == 0 ? cc : strcmp(name, "gosan-c++") == 0 ? cxx : NULL;
}

/* Options before the command are those of gosan itself; what follows the command is the command's. */
int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";
	static char name[32];
	char *compiler = argc > 0 ? compiler_name(argv[0]) : NULL;

	prepare_unwatched(argv);
	/* argp's --version of every command prints the version of the whole. */
	argp_program_version_hook = print_version;
	argp_err_exit_status = TOOL_USAGE;
	if (compiler) {
		argv[0] = compiler;
		return cmd_cc(argc, argv);
	}
	if (!*word) {
		help(stderr);
		return TOOL_USAGE;
	}
	if (strcmp(word, "--help") == 0 || strcmp(word, "help") == 0 || strcmp(word, "-?") == 0 ||
	    strcmp(word, "-h") == 0) {
		help(stdout);
		return TOOL_OK;
	}
	if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
		print_version(stdout, NULL);
		return TOOL_OK;
	}
	if (*word == '-')
		return unknown_option(word);
	for (size_t i = 0; i < N_COMMANDS; i++)
		if (strcmp(commands[i].name, word) == 0) {
			/* argp shows argv[0] in its messages. */
			snprintf(name, sizeof name,
				 commands[i].run == cmd_cc || commands[i].run == cmd_later ? "%s"
											   : "gosan %s",
				 word);
			argv[1] = name;
			return commands[i].run(argc - 1, argv + 1);
		}
	return unknown(word);
}
