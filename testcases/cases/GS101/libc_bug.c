// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// RUNTIME: none
// FINDINGS: 5
/* libc reads and writes the program's memory: a line that is printed, times that are broken down, messages of errors, the
 * status of a file, a wide string. */
#define GATE_THREADS
#include "../../gate.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <wchar.h>

static char line[] = "a line\n", message[64];
static struct tm broken_down;
static struct stat status;
static wchar_t wide[] = L"wide", copy[8];
static volatile int done;

static void *worker(void *arg)
{
	time_t t = 0;

	fputs(line, stderr);
	gmtime_r(&t, &broken_down);
	strerror_r(-1, message, sizeof message);
	stat("/", &status);
	wcscpy(copy, wide);
	gate_open(&done);
	return arg;
}

int main(void)
{
	pthread_t t;

	pthread_create(&t, NULL, worker, NULL);
	gate_wait(&done);
	line[0] = 'A';
	broken_down.tm_year++;
	message[0] = 'M';
	status.st_size = 0;
	wide[0] = 'W';
	return pthread_join(t, NULL);
}
