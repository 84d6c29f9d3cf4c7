// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// RUNTIME: none
/* The same calls, side by side, each on its own memory, or after the join; what a call did not touch is free. */
#define GATE_THREADS
#include "../../gate.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <wchar.h>

static char line[] = "a line\n", message[2][64];
static struct tm broken_down[2];
static struct stat status[2];
static wchar_t wide[] = L"wide", copy[2][8];
static volatile int done;

static void use(int i)
{
	time_t t = 0;

	fputs(line, stderr);
	gmtime_r(&t, &broken_down[i]);
	strerror_r(-1, message[i], sizeof message[i] / 2);
	stat("/", &status[i]);
	wcscpy(copy[i], wide);
}

static void *worker(void *arg)
{
	use(1);
	gate_open(&done);
	return arg;
}

int main(void)
{
	pthread_t t;

	pthread_create(&t, NULL, worker, NULL);
	gate_wait(&done);
	use(0);
	message[1][sizeof message[1] - 1] = 0;
	copy[1][7] = 0;
	pthread_join(t, NULL);
	line[0] = 'A';
	wide[0] = 'W';
	return status[1].st_size == 0;
}
