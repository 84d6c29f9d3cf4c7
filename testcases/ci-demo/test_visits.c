// SPDX-License-Identifier: Apache-2.0
/* argv[1] visitors at once, while somebody looks at the counter. */
#include "visits.h"

#include <goroutine.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	long n = argc > 1 ? strtol(argv[1], NULL, 10) : 8;
	go_waitgroup all = {0};

	for (long i = 1; i <= n; i++)
		go_waitgroup_go(&all, visits_note, i);
	if (visits_count() > n)
		return 1;
	go_waitgroup_wait(&all);
	return visits_count() == n ? 0 : 1;
}
