/* SPDX-License-Identifier: Apache-2.0
 *
 * as.c: stands before the assembler. `gosan cc` tells the compiler to look for its assembler here first (-B); we put
 * short ways in place of calls of hooks (inline.c) and become the real one, with the same words.
 *
 * Whatever is not plain x86-64 code from one file or from standard input goes to the real one untouched.
 */
#include "inline.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* The next "as" on a path that is not this very file. */
static bool find(const char *path, const struct stat *self, char *ret, size_t size)
{
	for (const char *p = path; p && *p;) {
		size_t n = strcspn(p, ":");
		struct stat s;

		snprintf(ret, size, "%.*s/as", (int)n, p);
		if (n && access(ret, X_OK) == 0 && stat(ret, &s) == 0 && S_ISREG(s.st_mode) &&
		    (s.st_ino != self->st_ino || s.st_dev != self->st_dev))
			return true;
		p += n + (p[n] == ':');
	}
	return false;
}

/* Options of the assembler whose argument is the next word. */
static bool takes_word(const char *option)
{
	static const char *const options[] = {"-o", "-I", "--defsym", "-defsym", "--MD", "-G"};

	for (size_t i = 0; i < sizeof options / sizeof *options; i++)
		if (strcmp(option, options[i]) == 0)
			return true;
	return false;
}

/* The word that names the input, 0: standard input, -1: not ours to touch. */
static int input_of(int argc, char **argv)
{
	int found = 0;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--32") == 0 || strcmp(argv[i], "--x32") == 0 || argv[i][0] == '@')
			return -1;
		if (argv[i][0] == '-' && argv[i][1]) {
			i += takes_word(argv[i]);
			continue;
		}
		if (found)
			return -1;
		found = i;
	}
	return found;
}

/* All of it, or NULL. */
static char *read_all(int fd, size_t *ret_size)
{
	size_t n = 0, room = 1 << 20;
	char *text = malloc(room), *grown;
	ssize_t got = 0;

	while (text && (got = read(fd, text + n, room - n)) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			break;
		n += (size_t)got;
		if (n == room && (grown = realloc(text, room *= 2)) != NULL)
			text = grown;
		else if (n == room)
			got = -1;
		if (got < 0)
			break;
	}
	if (got < 0) {
		free(text);
		return NULL;
	}
	*ret_size = n;
	return text;
}

/* A file that exists as long as the assembler reads it becomes standard input. */
static bool feed(const char *text, size_t size)
{
	int fd = memfd_create("gosan-as", 0);

	for (size_t done = 0; fd >= 0 && done < size;) {
		ssize_t n = write(fd, text + done, size - done);

		if (n < 0 && errno != EINTR)
			return false;
		done += n > 0 ? (size_t)n : 0;
	}
	return fd >= 0 && lseek(fd, 0, SEEK_SET) == 0 && dup2(fd, STDIN_FILENO) == STDIN_FILENO;
}

/* Replaces the input by the new text; words lose their name of it. What came by standard input, and is not ours, is
 * put back. False: it can't be. */
static bool rewrite(char **argv, int input)
{
	bool fed = true;
	FILE *in = input ? fopen(argv[input], "re") : stdin;
	size_t size, new_size;
	char *text = in ? read_all(fileno(in), &size) : NULL;
	char *new_text = text ? inline_hooks(text, size, &new_size) : NULL;

	if (new_text)
		fed = feed(new_text, new_size);
	else if (!input)
		fed = text && feed(text, size);
	if (new_text && fed)
		for (; input && argv[input]; input++)
			argv[input] = argv[input + 1];
	free(new_text);
	free(text);
	if (in && input)
		fclose(in);
	return fed || input;
}

int main(int argc, char **argv)
{
	char path[PATH_MAX];
	struct stat self;
	int input = input_of(argc, argv);

	if (stat("/proc/self/exe", &self) != 0 || (!find(getenv("COMPILER_PATH"), &self, path, sizeof path) &&
						   !find(getenv("PATH"), &self, path, sizeof path))) {
		fputs("gosan: as: no assembler found: install binutils\n", stderr);
		return 77;
	}
	if (input >= 0 && !rewrite(argv, input)) {
		fputs("gosan: as: cannot read or keep the code\n", stderr);
		return 70;
	}
	execv(path, argv);
	fprintf(stderr, "gosan: %s: %s\n", path, strerror(errno));
	return 70;
}
