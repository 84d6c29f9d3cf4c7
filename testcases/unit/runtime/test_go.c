/* SPDX-License-Identifier: Apache-2.0
 *
 * The go statement's arguments: evaluated now, converted as in a call. What must not compile is in
 * compile/.
 */
#include "child.h"

static go_chan(int64_t) out;

static void f0(void)
{
	go_send(out, 42);
}

static void narrow(bool b, char c, signed char sc, unsigned char uc, short s, unsigned short us)
{
	go_send(out, b);
	go_send(out, c);
	go_send(out, sc);
	go_send(out, uc);
	go_send(out, s);
	go_send(out, us);
}

static void wide(int i, unsigned u, long l, unsigned long ul, const char *text, void *p)
{
	go_send(out, i);
	go_send(out, u);
	go_send(out, l);
	go_send(out, (int64_t)ul);
	go_send(out, (int64_t)strlen(text));
	go_send(out, p == NULL);
}

static int returns(int n)
{
	go_send(out, n);
	return n;
}

static _Noreturn void never_returns(long n)
{
	go_send(out, n);
	go_exit();
}

static void expect_values(const int64_t *want, size_t n)
{
	for (size_t i = 0; i < n; i++)
		check_int(go_recv(out), want[i]);
}

#define EXPECT(...) expect_values((const int64_t[]){__VA_ARGS__}, sizeof((const int64_t[]){__VA_ARGS__}) / 8)

static void converts_as_a_call_does(void)
{
	int i = -1;
	unsigned u = 4000000000u;
	long l = -5;
	char text[] = "array";
	out = go_make(int64_t, 0);
	go(f0);
	EXPECT(42);
	go(narrow, 256, (char)(300 & 0xff), (signed char)200, (unsigned char)300, (short)70000,
	   (unsigned short)-1);
	EXPECT(1, (char)44, -56, 44, 4464, 65535);
	go(narrow, l, 'c', -1, 255, -1, 65535);
	EXPECT(1, 'c', -1, 255, -1, 65535);
	go(wide, 7, 4000000000u, i, (unsigned long)i, text, NULL);
	EXPECT(7, 4000000000, -1, -1, 5, 1);
	go(wide, i, u, u, u, "x", 0);
	EXPECT(-1, 4000000000, 4000000000, 4000000000, 1, 1);
	go(wide, (int)l, 1, l, 1, text + 1, text);
	EXPECT(-5, 1, -5, 1, 4, 0);
	go_chan_free(out);
}

static void any_integer_will_do(void)
{
	struct {
		unsigned bits : 3;
		int negative : 5;
	} fields = {5, -3};
	_Atomic short shared = -7;
	const volatile unsigned char byte = 200;
	enum { ENUMERATOR = 9 };
	out = go_make(int64_t, 0);
	go(wide, fields.negative, fields.bits, fields.negative, ENUMERATOR, "", NULL);
	EXPECT(-3, 5, -3, 9, 0, 1);
	go(wide, shared, byte, shared, 'x' == 'x', "", NULL);
	EXPECT(-7, 200, -7, 1, 0, 1);
	go(narrow, fields.bits, (char)shared, (signed char)fields.negative, byte, shared, fields.bits);
	EXPECT(1, -7, -3, 200, -7, 5);
	go_chan_free(out);
}

static void any_function_will_do(void)
{
	int (*pointer)(int) = returns;
	struct {
		int (*member)(int);
	} s = {returns}, *p = &s;
	out = go_make(int64_t, 0);
	go(pointer, 1);
	EXPECT(1);
	go(*pointer, 2);
	EXPECT(2);
	go(p->member, 3);
	EXPECT(3);
	go(p ? returns : pointer, 4);
	EXPECT(4);
	go(never_returns, 5);
	EXPECT(5);
	go_chan_free(out);
}

static void arguments_are_evaluated_once_and_now(void)
{
	int n = 0;
	out = go_make(int64_t, 0);
	for (int i = 0; i < 3; i++)
		go(returns, (n++, i * i));
	check_int(n, 3);
	int64_t sum = go_recv(out) + go_recv(out) + go_recv(out);
	check_int(sum, 0 + 1 + 4);
	/* An argument that blocks, and itself starts a goroutine of narrow parameters. */
	go(narrow, ({
		   go(narrow, 1, 2, 3, 4, 5, 6);
		   EXPECT(1, 2, 3, 4, 5, 6);
		   false;
	   }),
	   1, 1, 1, 1, 1);
	EXPECT(0, 1, 1, 1, 1, 1);
	go_chan_free(out);
}

static void errno_stays(go_chan(int) result, int mine)
{
	errno = mine;
	for (int i = 0; i < 20; i++) {
		go_yield();
		if (errno != mine)
			break;
	}
	go_send(result, errno - mine);
}

static void errno_belongs_to_the_goroutine(void)
{
	go_chan(int) result = go_make(int, 0);
	for (int i = 1; i <= 40; i++)
		go(errno_stays, result, i);
	for (int i = 1; i <= 40; i++)
		check_int(go_recv(result), 0);
	go_chan_free(result);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		child_test(converts_as_a_call_does),        child_test(any_integer_will_do),
		child_test(any_function_will_do),           child_test(arguments_are_evaluated_once_and_now),
		child_test(errno_belongs_to_the_goroutine),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
