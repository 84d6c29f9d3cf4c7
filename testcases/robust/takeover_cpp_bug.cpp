// SPDX-License-Identifier: Apache-2.0
// BUILD: gcc-tsan clang-tsan-shared
// EXPECT: GS101 data-race
// OBJECT: total
// FUNCTIONS: add
/* C++ with its own threads, linked with a shared ThreadSanitizer runtime. */
#include <condition_variable>
#include <iostream>
#include <mutex>
#include <thread>

static std::mutex lock;
static std::condition_variable start;
static bool started;
static int total;

static void add(int n)
{
	{
		std::unique_lock<std::mutex> held(lock);
		start.wait(held, [] { return started; });
	}
	total += n;
}

int main()
{
	std::thread a(add, 1), b(add, 2);

	{
		std::lock_guard<std::mutex> held(lock);
		started = true;
	}
	start.notify_all();
	a.join();
	b.join();
	std::cout << "done" << std::endl;
}
