// SPDX-License-Identifier: Apache-2.0
int static_double(int x);

int static_double(int x)
{
	return 2 * x;
}
