// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// EXPECT-OUTPUT: ordered
// | caught 10 of 10
/* C++ on the runtime's plain functions: exceptions are thrown and caught inside goroutines, and destructors
 * run on the way. */
#include <goroutine.h>

#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string>

namespace
{
int destroyed[10];

struct guard {
	int i;
	~guard()
	{
		destroyed[i] = 1;
	}
};

[[gnu::noinline]] void fail(int i)
{
	guard g{i};
	throw std::runtime_error("number " + std::to_string(i));
}

void worker(uintptr_t i, uintptr_t ch)
{
	int ok = 0;
	try {
		fail(static_cast<int>(i));
	} catch (const std::runtime_error &e) {
		ok = std::strlen(e.what()) == 8 && destroyed[i];
	}
	go_yield(); /* never inside a catch block: the C++ runtime keeps those per thread */
	go_chan_send_(reinterpret_cast<go_chan_of *>(ch), &ok);
}
} // namespace

int main()
{
	go_chan_of *ch = go_chan_make_(sizeof(int), 0);
	int caught = 0;

	for (uintptr_t i = 0; i < 10; i++) {
		go_call call = {};
		call.fn = reinterpret_cast<void (*)()>(worker);
		call.name = "worker";
		call.where = __FILE__;
		call.w[0] = i;
		call.w[1] = reinterpret_cast<uintptr_t>(ch);
		go_spawn_(&call);
	}
	for (int i = 0; i < 10; i++) {
		int ok = 0;
		go_chan_recv_(ch, &ok);
		caught += ok;
	}
	std::printf("caught %d of 10\n", caught);
}
