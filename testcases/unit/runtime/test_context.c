/* SPDX-License-Identifier: Apache-2.0 */
#include "child.h"

static const int key_a = 1, key_b = 2;

static bool is_done(go_context *ctx)
{
	return go_select_default(GO_RECV(go_done(ctx))) == 0;
}

static void background_is_never_done(void)
{
	check(!go_done(go_background()));
	check_int(go_err(go_background()), 0);
	check(!go_value(go_background(), &key_a));
	go_cancel(go_background());
	go_context_free(go_background());
	check_int(go_err(go_background()), 0);
}

static void cancel_goes_down_and_not_up(void)
{
	go_context *root = go_with_cancel(go_background());
	go_context *left = go_with_cancel(root), *right = go_with_cancel(root);
	go_context *value = go_with_value(left, &key_a, root);
	go_context *leaf = go_with_timeout(value, 100 * GO_SEC);
	go_cancel(left);
	check(is_done(left) && is_done(value) && is_done(leaf));
	check_int(go_err(leaf), -ECANCELED);
	check_int(go_err(value), -ECANCELED);
	check(!is_done(root) && !is_done(right));
	check_int(go_err(root), 0);
	go_cancel(left);
	go_cancel(root);
	check(is_done(right));
	go_context *late = go_with_cancel(root);
	check(is_done(late));
	check_int(go_err(late), -ECANCELED);
	go_context *all[] = {root, left, right, value, leaf, late};
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		go_context_free(all[i]);
}

static void wait_done(go_context *ctx, go_chan(int) out)
{
	go_recv(go_done(ctx));
	go_send(out, go_err(ctx));
}

static void deadline_wakes_everybody(void)
{
	go_chan(int) out = go_make(int, 0);
	int64_t start = go_now();
	go_context *parent = go_with_timeout(go_background(), 10 * GO_MS);
	go_context *child = go_with_timeout(parent, 100 * GO_SEC);
	for (int i = 0; i < 5; i++) {
		go(wait_done, parent, out);
		go(wait_done, child, out);
	}
	for (int i = 0; i < 10; i++)
		check_int(go_recv(out), -ETIMEDOUT);
	check(go_now() - start >= 10 * GO_MS);
	go_cancel(parent);
	check_int(go_err(parent), -ETIMEDOUT);
	go_context_free(child);
	go_context_free(parent);
	go_context *late = go_with_deadline(go_background(), start);
	check_int(go_err(late), -ETIMEDOUT);
	go_context_free(late);
	go_chan_free(out);
}

static void values_come_from_the_nearest(void)
{
	int one, two;
	go_context *a = go_with_value(go_background(), &key_a, &one);
	go_context *b = go_with_cancel(a);
	go_context *c = go_with_value(b, &key_a, &two);
	check(go_value(b, &key_a) == &one);
	check(go_value(c, &key_a) == &two);
	check(!go_value(c, &key_b));
	/* Parents may go first. */
	go_context_free(a);
	check(go_value(b, &key_a) == &one);
	go_context_free(b);
	go_cancel(b); /* still there for c */
	check(is_done(c));
	go_context_free(c);
}

static void free_against_deadline(void)
{
	for (int i = 0; i < 500; i++) {
		go_context *ctx = go_with_timeout(go_background(), i % 20 * GO_US);
		go_context *child = go_with_timeout(ctx, i % 15 * GO_US);
		if (i % 3 == 0)
			go_yield();
		if (i % 2 == 0)
			go_cancel(ctx);
		go_context_free(ctx);
		go_context_free(child);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		child_test(background_is_never_done), child_test(cancel_goes_down_and_not_up),
		child_test(deadline_wakes_everybody), child_test(values_come_from_the_nearest),
		child_test(free_against_deadline),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
