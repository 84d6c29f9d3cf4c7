/* SPDX-License-Identifier: Apache-2.0
 *
 * words.h: the words of the analyzers' reports. A goroutine is a goroutine and a thread a thread in every sentence.
 *
 * Context: under the engine lock, as all analyzers. The strings of who and what are static and live through the next
 * 7 calls.
 */
#ifndef GOSAN_WORDS_H
#define GOSAN_WORDS_H

#include "analyze.h"

const char *gosan_words_op(const struct gosan_g *g);  /* "chan receive", "lock", .. of a parked g */
const char *gosan_words_who(const struct gosan_g *g); /* goroutine 7 (worker), thread 3, the main thread */
const char *gosan_words_what(const struct gosan_obj *obj); /* mutex mu */
const char *gosan_words_kind(const struct gosan_g *g);     /* "goroutine" or "thread" */
/* What a parked g waits for: "mutex mu", "the end of thread 3"; NULL when there is nothing to name. */
const char *gosan_words_awaited(const struct gosan_g *g);
/* A sentence part about the goroutine that could have helped a parked g, "" when none is known. */
const char *gosan_words_helper(const struct gosan_g *g);
/* The first who is parked for a lock that g holds, and that lock; NULL when there is none. */
const struct gosan_g *gosan_words_hostage(const struct gosan_g *g, const struct gosan_obj **ret_lock);
/* Of one of the two texts the one that fits: locks of threads have other functions than those of goroutines. */
const char *gosan_words_advice(const struct gosan_g *g, const char *goroutines, const char *threads);

#endif
