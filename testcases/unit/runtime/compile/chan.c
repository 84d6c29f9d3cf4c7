/* SPDX-License-Identifier: Apache-2.0
 *
 * What channels and select must refuse. CASE n is one wrong use; each names what the compiler has to say.
 * Case 0 is the correct program.
 */
#include "goroutine.h"

struct pair {
	int a, b;
};
int test(go_chan(int) ints, go_chan(long) longs, go_chan(struct pair) pairs, int *pointer);

int test(go_chan(int) ints, go_chan(long) longs, go_chan(struct pair) pairs, int *pointer)
{
	long wide = 0;
	int n = 0;
	bool ok = false;
	(void)ints, (void)longs, (void)pairs, (void)pointer, (void)wide, (void)n, (void)ok;
#if CASE == 0
	go_chan(int) same = ints;
	same = go_make(int, 3);
	go_send(same, 'c');
	go_send(longs, n);
	go_send(pairs, (struct pair){1, 2});
	go_range(x, ints)
		go_range(y, longs)
			wide += x + y;
	struct pair p = go_recv(pairs);
	ok = go_recv_ok(ints, pointer) && go_recv_ok(pairs, &p) && go_recv_ok(pairs, NULL);
	switch (go_select(GO_RECV(ints), GO_RECV(ints, &n), GO_RECV_OK(longs, &wide, &ok), GO_SEND(pairs, p),
			  GO_SEND(pairs, (struct pair){3, 4}), GO_AFTER(GO_SEC))) {
	case 0:
		return go_select_default();
	}
	return p.a + ok;
#elif CASE == 1  /* incompatible pointer type */
	longs = ints;
#elif CASE == 2  /* incompatible pointer type */
	ints = go_make(long, 1);
#elif CASE == 3  /* (makes integer from pointer|incompatible pointer to integer) */
	go_send(ints, "text");
#elif CASE == 4  /* incompatible type */
	go_send(pairs, 1);
#elif CASE == 5  /* (makes pointer from integer|incompatible integer to pointer) */
	pointer = go_recv(ints);
#elif CASE == 6  /* incompatible pointer type */
	go_recv_ok(ints, &wide);
#elif CASE == 7  /* incompatible pointer type */
	go_select(GO_RECV(ints, &wide));
#elif CASE == 8  /* incompatible pointer type */
	go_select(GO_RECV_OK(ints, &n, &n));
#elif CASE == 9  /* (makes integer from pointer|incompatible pointer to integer) */
	go_select(GO_SEND(ints, pointer));
#elif CASE == 13 /* incompatible type */
	go_select(GO_SEND(pairs, 1));
#elif CASE == 10 /* (invalid type argument|indirection requires pointer|not a function) */
	go_send(pointer, 1);
#elif CASE == 11 /* (invalid type argument|indirection requires pointer|not a function) */
	go_close(pointer);
#elif CASE == 12 /* (invalid type argument|indirection requires pointer|not a function) */
	go_len(n);
#endif
	return 0;
}
