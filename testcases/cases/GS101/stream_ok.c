// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// RUNTIME: none
/* What was written before a line was sent through a pipe is there for who got the line, also when both ends are streams. */
#define GATE_THREADS
#include "../../gate.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static FILE *in, *out;
static int first, second, third;

static void *sender(void *arg)
{
	first = 1;
	fputs("first\n", out);
	fflush(out);
	second = 1;
	fprintf(out, "second\n");
	fflush(out);
	third = 1;
	fputs("third\n", out);
	fclose(out);
	return arg;
}

int main(void)
{
	char text[32], *line = NULL;
	size_t room = 0;
	pthread_t t;
	int ends[2];

	if (pipe(ends) != 0)
		return 3;
	in = fdopen(ends[0], "r");
	out = fdopen(ends[1], "w");
	setvbuf(in, NULL, _IONBF, 0);
	pthread_create(&t, NULL, sender, NULL);
	if (!fgets(text, sizeof text, in) || !first)
		return 3;
	if (getline(&line, &room, in) < 0 || !second)
		return 3;
	if (fread(text, 1, 6, in) != 6 || !third)
		return 3;
	free(line);
	pthread_join(t, NULL);
	return fclose(in);
}
