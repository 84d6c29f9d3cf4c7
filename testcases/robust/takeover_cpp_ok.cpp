// SPDX-License-Identifier: Apache-2.0
// BUILD: gcc-tsan clang-tsan-shared
// EXPECT: clean
// EXPECT-OUTPUT: ordered
// | 1006
/* C++ with its own threads, linked with a shared ThreadSanitizer runtime: statics, once, exceptions, futures and
 * shared pointers order what they promise to order. */
#include <atomic>
#include <condition_variable>
#include <future>
#include <iostream>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

struct config {
	int step = 1;
	std::string name = "a name that is too long to be kept inside";
};

static std::mutex lock;
static std::condition_variable start;
static std::once_flag once;
static bool started;
static int total, first;
static std::atomic<int> finished;

static const config &settings()
{
	static const config c;

	return c;
}

static void add(int n, std::shared_ptr<int> shared)
{
	std::unique_lock<std::mutex> held(lock);

	start.wait(held, [] { return started; });
	held.unlock();
	std::call_once(once, [] { first = 1000; });
	int step = settings().step + (settings().name.empty() ? 1 : 0);
	try {
		if (n == 2)
			throw std::runtime_error("two");
	} catch (const std::exception &) {
		step += first - 1000;
	}
	held.lock();
	total += n * step * *shared;
	held.unlock();
	finished.fetch_add(1, std::memory_order_release);
}

int main()
{
	std::vector<std::thread> threads;
	std::promise<int> more;
	auto shared = std::make_shared<int>(1);

	for (int i = 1; i <= 2; i++)
		threads.emplace_back(add, i, shared);
	auto later = std::async(std::launch::async, [&] { return more.get_future().get() + 1; });
	more.set_value(2);
	{
		std::lock_guard<std::mutex> held(lock);
		started = true;
	}
	start.notify_all();
	for (auto &t : threads)
		t.join();
	std::cout << first + total + later.get() + (finished.load(std::memory_order_acquire) - 2) << std::endl;
}
