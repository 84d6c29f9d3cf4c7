// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// RUNTIME: none
// INPUT: some words here
// EXPECT-OUTPUT: ordered
// | 3 words
/* Standard input and output belong to the program. */
#include <stdio.h>

int n;

int main(void)
{
	char word[64];

	while (scanf("%63s", word) == 1)
		n++;
	printf("%d words\n", n);
}
