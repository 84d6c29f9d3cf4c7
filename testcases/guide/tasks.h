/* SPDX-License-Identifier: Apache-2.0
 *
 * tasks.h: the three tasks of "Managing multiple individual goroutines".
 */
#ifndef TASKS_H
#define TASKS_H

#include "guide.h"

static void fetch_data(go_waitgroup *wg)
{
	go_defer(go_waitgroup_done, wg);
	printf("Data fetched\n");
}

static void process_images(go_waitgroup *wg)
{
	go_defer(go_waitgroup_done, wg);
	printf("Images processed\n");
}

static void update_database(go_waitgroup *wg)
{
	go_defer(go_waitgroup_done, wg);
	printf("Database updated\n");
}

#endif
