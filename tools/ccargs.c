/* SPDX-License-Identifier: Apache-2.0
 * ccargs.c: a table of the options that are not for both steps, and of those whose argument is the next word.
 *
 * Three kinds of option matter: those whose argument is the next word (else the argument would be taken
 * for a file), those that only one of the two steps understands (clang warns of the others, and -Werror
 * makes that an error), and those that end the work early. All others go to both steps: an option that is
 * missing here costs a warning, not a wrong build.
 */
#include "ccargs.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define RESPONSE_DEPTH 16

void ccargs_add(struct words *w, const char *word)
{
	w->w = arena_grow(w->a, w->w, w->n, sizeof *w->w);
	w->w[w->n++] = word;
}

/* The terminator is not counted, so more words may follow; they overwrite it. */
const char **ccargs_vector(struct words *w)
{
	ccargs_add(w, NULL);
	w->n--;
	return w->w;
}

/* One word of text into out, which has room for all of it; returns where the next one begins. */
static const char *next_word(const char *text, char *out)
{
	char quote = '\0';

	for (; *text && (quote || !isspace((unsigned char)*text)); text++) {
		if (*text == '\\' && text[1] && quote != '\'')
			*out++ = *++text;
		else if (quote ? *text == quote : *text == '"' || *text == '\'')
			quote = quote ? '\0' : *text;
		else
			*out++ = *text;
	}
	*out = '\0';
	return text;
}

void ccargs_split(struct arena *a, struct words *w, const char *text)
{
	w->a = a;
	for (text += strspn(text, " \t\r\n"); *text; text += strspn(text, " \t\r\n")) {
		char *word = arena_alloc(a, strlen(text) + 1);

		text = next_word(text, word);
		ccargs_add(w, word);
	}
}

/* prefix: the option may go on ("-lfoo"); next: its argument may be the next word. */
static const struct {
	const char *name;
	enum ccarg_use use;
	bool prefix, next;
} table[] = {
	/* The linker's. -o is the user's name for what the whole command makes, so it goes with the last step; compile
	 * steps of a command that links have names of their own. */
	{"-o", CCARG_LINK, true, true},
	{"-l", CCARG_LINK, true, true},
	{"-L", CCARG_LINK, true, true},
	{"-Wl,", CCARG_LINK, true, false},
	{"-Xlinker", CCARG_LINK, false, true},
	{"-shared", CCARG_LINK, false, false},
	{"-rdynamic", CCARG_LINK, false, false},
	{"-s", CCARG_LINK, false, false},
	{"-pie", CCARG_LINK, false, false},
	{"-no-pie", CCARG_LINK, false, false},
	{"-r", CCARG_LINK, false, false},
	{"-z", CCARG_LINK, false, true},
	{"-T", CCARG_LINK, false, true},
	{"-u", CCARG_LINK, false, true},
	{"-e", CCARG_LINK, false, true},
	{"-nostdlib", CCARG_LINK, false, false},
	{"-nodefaultlibs", CCARG_LINK, false, false},
	{"-nostartfiles", CCARG_LINK, false, false},
	{"-fuse-ld=", CCARG_LINK, true, false},
	{"-static-libgcc", CCARG_LINK, false, false},
	/* C++'s guards of statics have to be seen, so they must come from the shared library. */
	{"-static-libstdc++", CCARG_SANITIZE, false, false},
	{"-static-libtsan", CCARG_SANITIZE, false, false},
	{"-static-libsan", CCARG_SANITIZE, false, false},
	{"-shared-libsan", CCARG_SANITIZE, false, false},
	{"-fsanitize=thread", CCARG_SANITIZE, false, false},
	/* It holds for all files after it, and would make sources of the objects at the link. */
	{"-x", CCARG_LANGUAGE, true, true},
	/* The preprocessor's and the compiler's. Dependencies are written once, by the step that reads the headers. */
	{"-D", CCARG_COMPILE, true, true},
	{"-U", CCARG_COMPILE, true, true},
	{"-include", CCARG_COMPILE, false, true},
	{"-imacros", CCARG_COMPILE, false, true},
	{"-isystem", CCARG_COMPILE, true, true},
	{"-idirafter", CCARG_COMPILE, true, true},
	{"-iquote", CCARG_COMPILE, true, true},
	{"-iprefix", CCARG_COMPILE, false, true},
	{"-iwithprefix", CCARG_COMPILE, false, true},
	{"-Wp,", CCARG_COMPILE, true, false},
	{"-Xpreprocessor", CCARG_COMPILE, false, true},
	{"-std=", CCARG_COMPILE, true, false},
	{"-I", CCARG_COMPILE, true, true},
	{"-MF", CCARG_COMPILE, true, true},
	{"-MT", CCARG_COMPILE, true, true},
	{"-MQ", CCARG_COMPILE, true, true},
	{"-MD", CCARG_COMPILE, false, false},
	{"-MMD", CCARG_COMPILE, false, false},
	{"-MP", CCARG_COMPILE, false, false},
	/* With an argument of their own, and of use to both steps: which compiler, for which machine, from where. */
	{"--param", CCARG_BOTH, false, true},
	{"-Xclang", CCARG_COMPILE, false, true},
	{"-mllvm", CCARG_COMPILE, false, true},
	{"-target", CCARG_BOTH, false, true},
	{"-arch", CCARG_BOTH, false, true},
	{"-B", CCARG_BOTH, true, true},
	{"-specs", CCARG_BOTH, true, false},
	{"--sysroot", CCARG_BOTH, true, true},
	{"-Xassembler", CCARG_BOTH, false, true},
	{"-isysroot", CCARG_COMPILE, true, true},
	{"-MJ", CCARG_COMPILE, true, true},
	{"-dumpbase", CCARG_COMPILE, false, true},
	{"-aux-info", CCARG_COMPILE, false, true},
};
#define N_TABLE (sizeof table / sizeof *table)

static bool ends_with(const char *s, const char *suffix)
{
	size_t n = strlen(s), k = strlen(suffix);

	return n > k && strcmp(s + n - k, suffix) == 0;
}

/* By suffix, as the compilers decide; whatever else has no dash in front is the linker's. */
static bool is_source(const char *word)
{
	static const char *const suffixes[] = {".c",   ".i",   ".ii", ".cc", ".cp", ".cxx", ".cpp",
					       ".CPP", ".c++", ".C",  ".s",  ".S",  ".sx"};

	for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
		if (ends_with(word, suffixes[i]))
			return true;
	return false;
}

/* Order is kept: it means something to linkers (archives) and to compilers (-I, -include, -x). */
static void add(struct arena *a, struct ccargs *c, const char *text, enum ccarg_use use)
{
	c->arg = arena_grow(a, c->arg, c->n, sizeof *c->arg);
	c->arg[c->n++] = (struct ccarg){text, use};
	c->n_sources += use == CCARG_SOURCE;
}

/* The row for an option: the longest name that fits. */
static size_t row_of(const char *word)
{
	size_t best = N_TABLE;

	for (size_t i = 0; i < N_TABLE; i++) {
		size_t n = strlen(table[i].name);
		bool fits = table[i].prefix ? strncmp(word, table[i].name, n) == 0
					    : strcmp(word, table[i].name) == 0;

		if (fits && (best == N_TABLE || n > strlen(table[best].name)))
			best = i;
	}
	return best;
}

/* Any of these ends the work before the link, whatever else stands in the command. */
static bool compiles_only(const char *word)
{
	static const char *const options[] = {"-c", "-S", "-E", "-M", "-MM", "-fsyntax-only"};

	for (size_t i = 0; i < sizeof options / sizeof *options; i++)
		if (strcmp(options[i], word) == 0)
			return true;
	return false;
}

/* Returns how many words it took. */
static size_t add_option(struct arena *a, struct ccargs *c, char **argv)
{
	size_t row = row_of(argv[0]);

	/* -c and its like are for both steps as words, but there is no second step then. */
	if (compiles_only(argv[0]))
		c->mode = CCARGS_COMPILE;
	c->is_static |= strcmp(argv[0], "-static") == 0 || strcmp(argv[0], "-static-pie") == 0;
	c->relocatable |= strcmp(argv[0], "-r") == 0;
	if (row == N_TABLE) {
		bool warning = strncmp(argv[0], "-W", 2) == 0 && strncmp(argv[0], "-Wa,", 4) != 0;

		add(a, c, argv[0], warning ? CCARG_COMPILE : CCARG_BOTH);
		return 1;
	}
	add(a, c, argv[0], table[row].use);
	if (!table[row].next || strlen(argv[0]) > strlen(table[row].name) || !argv[1])
		return 1;
	add(a, c, argv[1], table[row].use);
	if (strcmp(argv[0], "-o") == 0)
		c->output = argv[1];
	return 2;
}

/* Whole, or NULL. Response files are small: build systems write them for command lines of some 100 KB. */
static char *read_file(struct arena *a, const char *path)
{
	FILE *in = fopen(path, "re");
	char *text = NULL;

	if (!in)
		return NULL;
	if (fseek(in, 0, SEEK_END) == 0) {
		long size = ftell(in);

		rewind(in);
		text = arena_alloc(a, (size_t)(size > 0 ? size : 0) + 1);
		if (size > 0 && fread(text, 1, (size_t)size, in) != (size_t)size)
			text = NULL;
	}
	fclose(in);
	return text;
}

/* A file may name further ones; one that cannot be read stays a word, as the compilers do it. The depth ends a file
 * that names itself. */
static void expand(struct arena *a, struct words *w, const char *const *argv, int depth)
{
	for (; *argv; argv++) {
		char *text = **argv == '@' && depth < RESPONSE_DEPTH ? read_file(a, *argv + 1) : NULL;
		struct words inner = {.a = a};

		if (!text) {
			ccargs_add(w, *argv);
			continue;
		}
		ccargs_split(a, &inner, text);
		expand(a, w, ccargs_vector(&inner), depth + 1);
	}
}

/* Words are classified from left to right, because -x changes what the words after it are. With neither
 * a file nor a library in it a command asks something of the compiler itself. */
void ccargs_parse(struct arena *a, struct ccargs *c, char **argv)
{
	struct words w = {.a = a};
	bool language = false;

	*c = (struct ccargs){.mode = CCARGS_LINK};
	expand(a, &w, (const char *const *)argv, 0);
	char **list = (char **)ccargs_vector(&w);
	bool inputs = false;
	for (size_t i = 0; i < w.n;) {
		if (list[i][0] == '-' && list[i][1]) {
			if (strncmp(list[i], "-x", 2) == 0)
				language = strcmp(list[i][2]    ? list[i] + 2
						  : list[i + 1] ? list[i + 1]
								: "none",
						  "none") != 0;
			inputs |= strncmp(list[i], "-l", 2) == 0;
			i += add_option(a, c, list + i);
			continue;
		}
		inputs = true;
		add(a, c, list[i], language || is_source(list[i]) ? CCARG_SOURCE : CCARG_LINK);
		i++;
	}
	/* Only where the compiler would have to invent the name of the file. */
	for (size_t i = 0; i < c->n; i++)
		c->dependencies |= strcmp(c->arg[i].text, "-MD") == 0 || strcmp(c->arg[i].text, "-MMD") == 0;
	for (size_t i = 0; i < c->n; i++)
		c->dependencies &= strncmp(c->arg[i].text, "-MF", 3) != 0;
	if (!inputs)
		c->mode = CCARGS_ASK;
}
