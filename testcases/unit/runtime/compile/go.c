/* SPDX-License-Identifier: Apache-2.0
 *
 * What go() and go_defer() must refuse. CASE n is line n of the cases; each names what the compiler has to
 * say. Case 0 is the correct program.
 */
#include "goroutine.h"

struct pair {
	int a, b, c;
};
void none(void);
void one(int n);
void two(const char *text, long n);
void narrow(bool b, short s);
void real(double d);
void by_value(struct pair p);
struct pair gives_pair(int n);
void test(struct pair pair, int *pointer, float f, __int128 huge, go_waitgroup *wg, go_once *once);

void test(struct pair pair, int *pointer, float f, __int128 huge, go_waitgroup *wg, go_once *once)
{
	(void)pair, (void)pointer, (void)f, (void)huge, (void)wg, (void)once;
#if CASE == 0
	go(none);
	go(one, 'c');
	go(two, "text", -1);
	go(two, NULL, sizeof(int) > 2);
	go(narrow, 1, 2);
	go_defer(two, 0, 3);
	go_waitgroup_go(wg, narrow, true, 'x');
	go_once_do(once, one, 3);
#elif CASE == 1  /* too few arguments */
	go(two, "text");
#elif CASE == 2  /* too few arguments */
	go(one);
#elif CASE == 3  /* too many arguments */
	go(one, 1, 2);
#elif CASE == 4  /* too many arguments */
	go(none, 1);
#elif CASE == 5  /* at most six arguments */
	go(one, 1, 2, 3, 4, 5, 6, 7);
#elif CASE == 6  /* argument '1.5' is floating */
	go(one, 1.5);
#elif CASE == 7  /* argument 'f' is floating */
	go(real, f);
#elif CASE == 8  /* (double.*go_only_integers_and_pointers|go_only_integers_and_pointers.*double) */
	go(real, 1);
#elif CASE == 9  /* argument 'pair' is floating, a struct or a union */
	go(by_value, pair);
#elif CASE == 10 /* argument 'pair' is floating, a struct or a union */
	go(one, pair);
#elif CASE == 11 /* returns a struct */
	go(gives_pair, 1);
#elif CASE == 12 /* incompatible pointer type */
	go(two, pointer, 1);
#elif CASE == 13 /* (makes pointer from integer|incompatible integer to pointer) */
	go(two, 3, 1);
#elif CASE == 14 /* (makes integer from pointer|incompatible pointer to integer) */
	go(one, pointer);
#elif CASE == 15 /* wider than 64 bits */
	go(one, huge);
#elif CASE == 16 /* too few arguments */
	go_defer(two, "text");
#elif CASE == 17 /* is floating */
	go_defer(one, f);
#elif CASE == 18 /* incompatible pointer type */
	go_waitgroup_go(wg, two, pointer, 1);
#elif CASE == 19 /* too many arguments */
	go_once_do(once, none, 1);
#elif CASE == 20 /* incompatible pointer type */
	go_waitgroup_go(once, none);
#elif CASE == 21 /* (makes integer from pointer|incompatible pointer to integer) */
	go(narrow, true, pointer);
#endif
}
