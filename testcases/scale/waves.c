// SPDX-License-Identifier: Apache-2.0
/* usage: waves WAVES N [race]. Each wave starts N goroutines and waits for all of them: so never more than N are alive,
 * and nobody can tell afterwards that more ever were. With "race" two of the last wave write the same variable. */
#include <goroutine.h>
#include <stdlib.h>
#include <string.h>

static go_mutex lock;
static long sum;
static long *own;
static int hot;

static void work(go_waitgroup *wg, int i, bool race)
{
	if (race && i < 2)
		hot++;
	own[i]++;
	go_mutex_lock(&lock);
	sum += i;
	go_mutex_unlock(&lock);
	go_waitgroup_done(wg);
}

int main(int argc, char **argv)
{
	int waves = argc > 2 ? atoi(argv[1]) : 10, n = argc > 2 ? atoi(argv[2]) : 1000;
	bool race = argc > 3 && strcmp(argv[3], "race") == 0;

	own = calloc((size_t)n, sizeof(*own));
	for (int w = 0; w < waves; w++) {
		go_waitgroup wg = {0};

		go_waitgroup_add(&wg, n);
		for (int i = 0; i < n; i++)
			go(work, &wg, i, race && w == waves - 1);
		go_waitgroup_wait(&wg);
	}
	free(own);
	return sum != (long)waves * n * (n - 1) / 2;
}
