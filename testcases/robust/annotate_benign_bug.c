// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS101 data-race
// OBJECT-KIND: heap
// FINDINGS: 1
// RUNTIME: none
/* A race was declared harmless, but the memory was freed since: its next owner declared nothing. */
#include "annotate.h"

#include <stdlib.h>

static int *p;

static void *worker(void *arg)
{
	*p = 1;
	return arg;
}

int main(void)
{
	pthread_t t;

	for (int round = 0; round < 2; round++) {
		p = malloc(sizeof *p);
		if (round == 0)
			AnnotateBenignRace(__FILE__, __LINE__, p, "only the first");
		if (pthread_create(&t, NULL, worker, NULL))
			return 1;
		*p = 2;
		pthread_join(t, NULL);
		free(p);
	}
}
