// SPDX-License-Identifier: Apache-2.0
/* What C++ adds: virtual tables, atomics as a class, exceptions, statics. */
#include <atomic>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

struct base {
	virtual ~base()
	{
		value = 0;
	}
	virtual int f()
	{
		return value;
	}
	int value = 1;
};
struct derived : virtual base {
	int f() override
	{
		return value + 1;
	}
	~derived() override
	{
		value = 2;
	}
};
struct two {
	long a, b;
};

static std::atomic<long> counter;
static std::atomic<bool> flag;
static std::atomic_flag once = ATOMIC_FLAG_INIT;
static std::atomic<base *> pointer;

static base &shared()
{
	static derived d;

	return d;
}

int main()
{
	std::unique_ptr<base> b(new derived);
	std::vector<std::string> words(10, "x");
	bool expected = true;

	for (auto &w : words)
		w += "a long word that is not kept inside";
	counter += 3;
	counter.fetch_or(4);
	flag = !once.test_and_set();
	flag.compare_exchange_strong(expected, false);
	pointer.exchange(&shared());
	auto p = std::make_shared<two>();
	auto q = p;
	q->a = 5;
	try {
		words.at(100) += "y";
	} catch (const std::out_of_range &) {
		counter--;
	}
	std::printf("%ld\n", counter.load() + b->f() + pointer.load()->f() + p->a + flag);
}
