// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* Two halves that share nothing are sorted at once. */
#include <goroutine.h>
#include <stdlib.h>

#define N 40

int numbers[N];

static int compare(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return (x > y) - (x < y);
}

static void sort(int *from, size_t n, go_chan(int) done)
{
	qsort(from, n, sizeof(*from), compare);
	go_send(done, 0);
}

int main(void)
{
	go_chan(int) done = go_make(int, 2);

	for (int i = 0; i < N; i++)
		numbers[i] = i * 7 % N;
	go(sort, numbers, (size_t)N / 2, done);
	go(sort, numbers + N / 2, (size_t)N / 2, done);
	go_recv(done);
	go_recv(done);
}
