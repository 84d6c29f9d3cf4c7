// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// ARGS: --format=json "two words" --
// EXPECT-OUTPUT: ordered
// | --format=json
// | two words
// | --
/* Everything after the program's name is the program's. */
#include <stdio.h>

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		printf("%s\n", argv[i]);
	return argc != 4;
}
