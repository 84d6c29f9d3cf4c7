// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// VERDICT: blind
/* The smallest program there is. */
int main(void)
{
	return 0;
}
