/* SPDX-License-Identifier: Apache-2.0
 * fuzz_std.c: a recording in the STD text format, read and analysed. */
#include "fuzz.h"

#include "stdhb.h"

/* Numbers of an event are those of names that are there. */
static void check(const struct std *s, const struct std_event *ev)
{
	static const enum std_kind kinds[] = {STD_VARIABLE, STD_VARIABLE, STD_LOCK,
					      STD_LOCK,     STD_THREAD,   STD_THREAD};

	if (ev->thread >= std_count(s, STD_THREAD) || !*std_name(s, STD_THREAD, ev->thread))
		__builtin_trap();
	if (ev->op < STD_BEGIN &&
	    (ev->operand >= std_count(s, kinds[ev->op]) || !*std_name(s, kinds[ev->op], ev->operand)))
		__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct stdhb h = {.a = arena_new()};
	struct std_event ev;
	struct std *s;
	char err[256] = "";
	int more;

	if (std_open(&s, h.a, fuzz_file(data, size), err, sizeof err) != 0)
		__builtin_trap();
	while ((more = std_next(s, &ev, err, sizeof err)) > 0) {
		check(s, &ev);
		stdhb_event(&h, &ev);
	}
	if (more < 0 && !*err)
		__builtin_trap(); /* a refusal without a reason */
	stdhb_free(&h);
	std_close(s);
	arena_free(h.a);
	return 0;
}
