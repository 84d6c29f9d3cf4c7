// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// VERDICT: blind
// RUNTIME: none
// INSTRUMENT: no
// EXPECT-OUTPUT: ordered
// | 42
/* A program that knows neither goroutines nor instrumentation runs as before, and the verdict admits that
 * there was nothing to see. */
#include <stdio.h>

int main(void)
{
	printf("42\n");
}
