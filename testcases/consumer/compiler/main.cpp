// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <thread>

extern "C" void shared_count(void);
extern "C" int static_double(int x);
extern "C" int shared_counter;

int main()
{
	std::thread a(shared_count), b(shared_count);

	a.join();
	b.join();
	std::printf("%d\n", static_double(shared_counter > 0));
}
