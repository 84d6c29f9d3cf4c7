/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_cc.c: the compiler with what gosan needs: objects are instrumented (-g -fsanitize=thread), programs are
 * linked with libgoroutine and the stub of the hooks, never with a ThreadSanitizer runtime.
 *
 * -fsanitize=thread must not reach the link line, so a command that compiles and links is split: each source to
 * an object in a temporary directory, then one link with the objects in the sources' places.
 *
 *   gosan cc -O2 a.c b.o -lm -o prog
 *     1  gcc -g -fsanitize=thread ... -O2 a.c -c -o TMP/0.o
 *     2  gcc -O2 TMP/0.o b.o -lm -o prog -fno-sanitize=thread -L.. -lgoroutine -lgosan_hooks
 *
 * The stub of the hooks is what makes the program run without gosan; under gosan the preloaded library
 * comes first in the search for symbols and replaces it. A library that the program does not need is not
 * recorded in it (--as-needed), so programs without goroutines stay free of the runtime.
 */
#include "ccargs.h"
#include "tmpdir.h"
#include "tool.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* One call of gosan cc. */
struct build {
	struct arena *a;
	struct words compiler; /* "ccache", "gcc" */
	bool clang, cxx;
	char tmp[TOOL_PATH_MAX]; /* "" until needed */
};

static const char help[] =
	"usage: gosan cc|c++ [COMPILER ARG...]\n\n"
	"Calls the compiler (GOSAN_CC or CC, else gcc; for c++ GOSAN_CXX or CXX, else g++) with\n"
	"-g -fsanitize=thread for objects, and links with libgoroutine and without a sanitizer runtime.\n"
	"Use it as the compiler of a build: make CC='gosan cc', ./configure CC='gosan cc'; where one word is "
	"wanted, it is\n"
	"gosan-cc or gosan-c++: cmake -DCMAKE_C_COMPILER=gosan-cc -DCMAKE_CXX_COMPILER=gosan-c++.\n"
	"gosan cc --show ARG... prints the commands instead of running them; --no-inline ARG... calls\n"
	"the detector for each memory access, which is slower and takes a third of the code.\n";

/* As a shell would say it, so that make stops for the same reasons as without us. */
static int wait_status(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return TOOL_INTERNAL;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* --show: for people who want to put the flags into a build system of their own. */
static bool show_only;
static bool no_inline;

/* Show or run one command. posix_spawnp searches PATH; the compiler inherits standard input, so -x c -
 * works. */
static int run(struct words *w)
{
	pid_t pid;

	if (show_only) {
		for (size_t i = 0; i < w->n; i++)
			printf("%s%s", i ? " " : "", w->w[i]);
		putchar('\n');
		return 0;
	}
	int error = posix_spawnp(&pid, w->w[0], NULL, NULL, (char *const *)ccargs_vector(w), environ);
	if (error) {
		tool_error("%s: %s: set CC to a compiler", w->w[0], strerror(error));
		return TOOL_MISSING;
	}
	return wait_status(pid);
}

/* Does `compiler --version` speak of clang? A name alone ("cc") doesn't tell. */
static bool is_clang(const struct build *b)
{
	const char *command = "";
	char line[512] = "";

	for (size_t i = 0; i < b->compiler.n; i++)
		command = arena_printf(b->a, "%s'%s' ", command, b->compiler.w[i]);
	FILE *in = popen(arena_printf(b->a, "%s--version 2>/dev/null", command), "re");
	if (in && fgets(line, sizeof line, in))
		while (fgets(line + strlen(line), (int)(sizeof line - strlen(line)), in) &&
		       strlen(line) < sizeof line - 2)
			;
	if (in)
		pclose(in);
	return strstr(line, "clang") != NULL;
}

/* GOSAN_CC wins over CC: in `make CC='gosan cc'` CC already names this program. */
static void find_compiler(struct build *b)
{
	const char *names[] = {b->cxx ? "GOSAN_CXX" : "GOSAN_CC", b->cxx ? "CXX" : "CC"}, *text = NULL;

	for (size_t i = 0; i < 2 && !(text && *text); i++) {
		text = getenv(names[i]);
		/* make CC='gosan cc' exports CC: that is this program again, in either spelling. */
		if (text && (strstr(text, "gosan c") || strstr(text, "gosan-c")))
			text = NULL;
	}
	if (!text || !*text)
		text = b->cxx ? "g++" : "gcc";
	ccargs_split(b->a, &b->compiler, text);
	b->clang = is_clang(b);
}

/* A command that begins with the compiler's own words ("ccache gcc -m64"). */
static struct words start(const struct build *b)
{
	struct words w = {.a = b->a};

	for (size_t i = 0; i < b->compiler.n; i++)
		ccargs_add(&w, b->compiler.w[i]);
	return w;
}

/* clang has no hook for vectors of more than 16 bytes. Those that it makes itself it makes only when told that the
 * processor has them; which one has is its business, so any choice of a processor counts. */
static bool has_wide_vectors(const struct ccargs *args)
{
	for (size_t i = 0; i < args->n; i++)
		if (strncmp(args->arg[i].text, "-mavx", 5) == 0 ||
		    strncmp(args->arg[i].text, "-march=", 7) == 0)
			return true;
	return false;
}

/* With -flto gcc instruments at the link, and only if the link is one with -fsanitize=thread. So its objects are
 * ordinary ones here. clang instruments first. */
static void add_last_flags(const struct build *b, const struct ccargs *args, struct words *w)
{
	for (size_t i = 0; i < args->n && !b->clang; i++)
		if (strncmp(args->arg[i].text, "-flto", 5) == 0) {
			ccargs_add(w, "-fno-lto");
			return;
		}
}

/* The last -O counts. Short ways in place of calls are not for those who want small code. */
static bool small_code(const struct ccargs *args)
{
	bool small = false;

	for (size_t i = 0; i < args->n; i++)
		if (strncmp(args->arg[i].text, "-O", 2) == 0)
			small = strcmp(args->arg[i].text, "-Os") == 0 ||
				strcmp(args->arg[i].text, "-Oz") == 0;
	return small;
}

/* Ours comes first (as/as.c). clang has one built in, which nobody can stand before. */
static void add_assembler(const struct build *b, struct words *w)
{
	char path[TOOL_PATH_MAX];

	if (where_library("gosan/as/as", path, sizeof path) != 0)
		return;
	*strrchr(path, '/') = '\0';
	ccargs_add(w, arena_printf(b->a, "-B%s/", path));
	if (b->clang)
		ccargs_add(w, "-fno-integrated-as");
}

/* The compilers leave some accesses without a hook unless told: gcc what it expands of memcpy and the like,
 * clang what it vectorises. Volatile accesses stay plain ones, for the language promises no more of them. */
static void add_compile_flags(const struct build *b, const struct ccargs *args, struct words *w)
{
	static const char *const gcc[] = {"-fno-builtin-memcpy",   "-fno-builtin-memmove",
					  "-fno-builtin-memset",   "-fno-builtin-mempcpy",
					  "-fno-builtin-memcmp",   "-fno-builtin-bcmp",
					  "-fno-builtin-strcpy",   "-fno-builtin-stpcpy",
					  "-fno-builtin-strncpy",  "-fno-builtin-strcat",
					  "-fno-builtin-strncat",  "-fno-builtin-strcmp",
					  "-fno-builtin-strncmp",  "-fno-builtin-sprintf",
					  "-fno-builtin-snprintf", NULL};
	static const char *const clang[] = {"-fno-vectorize", "-fno-slp-vectorize", NULL}, *const none[] = {
												   NULL};
	const char *const *flag = !b->clang ? gcc : has_wide_vectors(args) ? clang : none;
	char dir[TOOL_PATH_MAX];

	if (!no_inline && !small_code(args))
		add_assembler(b, w);
	ccargs_add(w, "-g");
	ccargs_add(w, "-fsanitize=thread");
	for (; *flag; flag++)
		ccargs_add(w, *flag);
	if (where_header(dir, sizeof dir) == 0) {
		ccargs_add(w, "-idirafter");
		ccargs_add(w, arena_strdup(b->a, dir));
	}
}

/* As needed: a program without goroutines must not carry the runtime. */
static int add_link_flags(const struct build *b, struct words *w)
{
	char path[TOOL_PATH_MAX], *slash;

	if (where_library("libgosan_hooks.so", path, sizeof path) != 0) {
		tool_error("%s is missing: install or build all of gosan", path);
		return TOOL_MISSING;
	}
	slash = strrchr(path, '/');
	*slash = '\0';
	ccargs_add(w, "-fno-sanitize=thread");
	ccargs_add(w, arena_printf(b->a, "-L%s", path));
	ccargs_add(w, arena_printf(b->a, "-Wl,-rpath,%s", path));
	ccargs_add(w, "-Wl,--push-state,--as-needed,-Bdynamic");
	ccargs_add(w, "-lgoroutine");
	ccargs_add(w, "-lgosan_hot");
	ccargs_add(w, "-lgosan_hooks");
	ccargs_add(w, "-Wl,--pop-state");
	ccargs_add(w, "-pthread");
	return 0;
}

/* Our flags come last but for -g, whose level is the user's to choose. */
static int compile_only(struct build *b, const struct ccargs *args)
{
	struct words w = start(b);

	add_compile_flags(b, args, &w);
	for (size_t i = 0; i < args->n; i++)
		ccargs_add(&w, args->arg[i].text);
	add_last_flags(b, args, &w);
	return run(&w);
}

/* -MD without -MF names its file after the object, which lies in a temporary directory here. gcc's own name in
 * this case is that of the program and of the source. */
static void add_dependency_flags(const struct build *b, const struct ccargs *args, const struct ccarg *source,
				 struct words *w)
{
	const char *slash = strrchr(source->text, '/'), *base = slash ? slash + 1 : source->text;
	int n = (int)strcspn(base, ".");

	ccargs_add(w, "-MF");
	ccargs_add(w, arena_printf(b->a, "%s-%.*s.d", args->output ? args->output : "a", n, base));
	ccargs_add(w, "-MQ");
	ccargs_add(w, arena_printf(b->a, "%.*s.o", n, base));
}

/* One source of a command that also links: everything that concerns compiling, and only this source. */
static int compile_source(struct build *b, const struct ccargs *args, const struct ccarg *source,
			  const char *object)
{
	struct words w = start(b);

	add_compile_flags(b, args, &w);
	for (size_t i = 0; i < args->n; i++) {
		const struct ccarg *arg = &args->arg[i];

		if (arg->use == CCARG_COMPILE || arg->use == CCARG_BOTH || arg->use == CCARG_LANGUAGE ||
		    arg == source)
			ccargs_add(&w, arg->text);
	}
	add_last_flags(b, args, &w);
	if (args->dependencies)
		add_dependency_flags(b, args, source, &w);
	ccargs_add(&w, "-c");
	ccargs_add(&w, "-o");
	ccargs_add(&w, object);
	return run(&w);
}

/* Objects of a one-step command live here between compiling and linking. */
static int make_tmp(struct build *b)
{
	int error = tmpdir_make(b->tmp, sizeof b->tmp, "gosan-cc");

	if (error)
		tool_error("%s: %s: set TMPDIR to a directory that can be written", b->tmp, strerror(-error));
	return error ? TOOL_INTERNAL : 0;
}

/* The link line has the words of the command in their order, objects in the places of their sources, and
 * ours last: the libraries must come after what needs them. The first failure ends it, with the
 * compiler's status; the temporary directory goes in every case. */
static int compile_and_link(struct build *b, const struct ccargs *args)
{
	struct words link = start(b);
	size_t objects = 0;
	int status = args->n_sources ? make_tmp(b) : 0;

	/* Sources become objects on the way; everything else keeps its place. */
	for (size_t i = 0; i < args->n && !status; i++) {
		const struct ccarg *arg = &args->arg[i];

		if (arg->use == CCARG_SOURCE) {
			const char *object = arena_printf(b->a, "%s/%zu.o", b->tmp, objects++);

			status = compile_source(b, args, arg, object);
			ccargs_add(&link, object);
		} else if (arg->use != CCARG_COMPILE && arg->use != CCARG_LANGUAGE &&
			   arg->use != CCARG_SANITIZE) {
			ccargs_add(&link, arg->text);
		}
	}
	add_last_flags(b, args, &link);
	/* A relocatable object (-r) is linked with libraries later. */
	if (!status && !args->relocatable)
		status = add_link_flags(b, &link);
	if (!status)
		status = run(&link);
	if (*b->tmp)
		tmpdir_remove(b->tmp);
	return status;
}

/* Static programs are refused here, where the reason can be told; the linker would only miss a library. */
static int build(struct build *b, struct ccargs *args)
{
	if (args->is_static) {
		tool_error("-static: a preloaded library is not loaded into a static program; leave it out");
		return TOOL_USAGE;
	}
	find_compiler(b);
	switch (args->mode) {
	case CCARGS_COMPILE:
		return compile_only(b, args);
	case CCARGS_ASK:
		break;
	case CCARGS_LINK:
		return compile_and_link(b, args);
	}
	struct words w = start(b);
	for (size_t i = 0; i < args->n; i++)
		ccargs_add(&w, args->arg[i].text);
	return run(&w);
}

int cmd_cc(int argc, char **argv)
{
	struct build b = {.a = arena_new(), .cxx = strcmp(argv[0], "c++") == 0};
	struct ccargs args = {.n = 0};

	if (argc > 1 && strcmp(argv[1], "--help") == 0) {
		fputs(help, stdout);
		arena_free(b.a);
		return TOOL_OK;
	}
	for (; argc > 1; argc--, argv++) {
		if (strcmp(argv[1], "--show") == 0)
			show_only = true;
		else if (strcmp(argv[1], "--no-inline") == 0)
			no_inline = true;
		else
			break;
	}
	b.compiler.a = b.a;
	ccargs_parse(b.a, &args, argv + 1);
	int status = build(&b, &args);
	arena_free(b.a);
	return status;
}
