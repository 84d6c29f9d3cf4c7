// SPDX-License-Identifier: Apache-2.0
/* Races with itself: the part that the run has to find. */
int shared_counter;

void shared_count(void)
{
	shared_counter++;
}
