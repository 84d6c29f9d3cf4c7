// SPDX-License-Identifier: Apache-2.0
// FLAGS: -std=c++17
// EXPECT: clean
// RUNTIME: none
// EXPECT-OUTPUT: ordered
// | 400 of 400, shared 42, once after 2 attempts
/* The C++ library's threads, locks and futures over pthreads; a call_once whose first function throws. */
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <future>
#include <mutex>
#include <shared_mutex>
#include <stdexcept>
#include <thread>
#include <vector>

static std::mutex a, b;
static std::shared_mutex rw;
static std::recursive_timed_mutex timed;
static std::condition_variable cond;
static std::once_flag once;
static int counter, shared_value, attempts;
static bool ready;

static void attempt()
{
	if (++attempts == 1)
		throw std::runtime_error("not yet");
}

static void worker()
{
	try {
		std::call_once(once, attempt);
	} catch (const std::runtime_error &) {
		std::call_once(once, attempt);
	}
	for (int i = 0; i < 100; i++) {
		std::scoped_lock both(a, b);
		counter++;
	}
	if (timed.try_lock_for(std::chrono::seconds(10))) {
		std::lock_guard<std::recursive_timed_mutex> again(timed);
		timed.unlock();
	}
	std::unique_lock<std::mutex> l(a);
	while (!ready)
		cond.wait(l);
	std::shared_lock<std::shared_mutex> r(rw);
	if (shared_value != 42)
		counter = -1;
}

int main()
{
	std::vector<std::thread> threads;
	std::promise<int> answer;
	std::thread giver([&] { answer.set_value(42); });

	for (int i = 0; i < 4; i++)
		threads.emplace_back(worker);
	{
		std::unique_lock<std::shared_mutex> w(rw);
		shared_value = answer.get_future().get();
	}
	{
		std::lock_guard<std::mutex> l(a);
		ready = true;
	}
	cond.notify_all();
	for (auto &t : threads)
		t.join();
	giver.join();
	auto later = std::async(std::launch::async, [] { return counter; });
	printf("%d of 400, shared %d, once after %d attempts\n", later.get(), shared_value, attempts);
}
