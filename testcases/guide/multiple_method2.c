// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// EXPECT-OUTPUT: unordered
// | Data fetched
// | Images processed
// | Database updated
// | All tasks completed
/* Several distinct goroutines, method 2: Add all of them at once. */
#include "tasks.h"

int main(void)
{
	go_waitgroup wg = {0};

	go_waitgroup_add(&wg, 3);
	go(fetch_data, &wg);
	go(process_images, &wg);
	go(update_database, &wg);

	go_waitgroup_wait(&wg);
	printf("All tasks completed\n");
}
