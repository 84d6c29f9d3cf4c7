/* SPDX-License-Identifier: Apache-2.0
 *
 * context.c: a tree of contexts through which work is cancelled, as Go's package context.
 *
 * One lock covers the shape of every tree and each cancellation: contexts are made and cancelled per
 * request, not per item. Lock order: the tree, then a channel; timers are cancelled under the lock
 * without waiting for their callback, which takes it.
 *
 * A context lives as long as somebody refers to it: its owner until go_context_free, each child, and its
 * timer while that is armed or firing. So a freed context with children goes on passing cancellation
 * down, and values up. `source` is the context whose cancellation counts: itself, or for one that only
 * carries a value its nearest ancestor that can be cancelled (in the end the background, which never is).
 */
#include "chan.h"

#undef errno

struct go_context {
	struct go_context *parent, *source;
	struct go_chan_of *done; /* the source's */
	enum go_ctx_kind kind;
	_Atomic int err; /* of the source */
	unsigned refs;
	/* the tree, of sources only */
	struct go_context *children, *prev, *next;
	/* GO_CTX_VALUE */
	const void *key;
	void *value;
	/* GO_CTX_DEADLINE; INT64_MAX when neither it nor an ancestor has one */
	int64_t deadline;
	struct go__timer timer;
};

static struct go_lock tree;

static struct go_context background = {.source = &background, .deadline = INT64_MAX, .refs = 1};

/* ------------------------------------------------------------------------ the tree, its lock held -- */

/* A context that only carries a value is no link in the chain of cancellation. */
static void link_child(struct go_context *ctx)
{
	struct go_context *up = ctx->parent->source;
	ctx->next = up->children;
	if (up->children != NULL)
		up->children->prev = ctx;
	up->children = ctx;
}

/* Also for one that is not linked. */
static void unlink_child(struct go_context *ctx)
{
	struct go_context *up = ctx->parent->source;
	if (ctx->prev != NULL)
		ctx->prev->next = ctx->next;
	else if (up->children == ctx)
		up->children = ctx->next;
	if (ctx->next != NULL)
		ctx->next->prev = ctx->prev;
	ctx->prev = ctx->next = NULL;
}

/* Gives references up; contexts without any are chained by `next` onto *dead, for free_all(). */
static void unref(struct go_context *ctx, struct go_context **dead)
{
	while (ctx != &background && --ctx->refs == 0) {
		if (ctx->source == ctx)
			unlink_child(ctx);
		ctx->next = *dead;
		*dead = ctx;
		ctx = ctx->parent;
	}
}

/* Lock released: a watcher may be told, and memory goes. */
static void free_all(struct go_context *dead)
{
	while (dead != NULL) {
		struct go_context *next = dead->next;
		if (dead->source == dead)
			go_chan_free_(dead->done);
		go__free(dead, sizeof(*dead));
		dead = next;
	}
}

/* Not armed any more, or firing: then expire() gives the timer's reference up. */
static void stop_timer(struct go_context *ctx, struct go_context **dead)
{
	if (ctx->timer.fire != NULL && go__timer_cancel(&ctx->timer))
		unref(ctx, dead);
}

/* The context and everything below it, parents first. Children leave the tree as they are cancelled, so
 * the descent needs no stack: `todo` is a list through `next`. */
static void cancel_tree(struct go_context *ctx, int err, bool by_program, struct go_context **dead)
{
	if (atomic_load(&ctx->err) != 0)
		return;
	unlink_child(ctx);
	for (struct go_context *todo = ctx; todo != NULL;) {
		struct go_context *c = todo, *last = c->children;
		todo = c->next;
		c->prev = c->next = NULL;
		if (last != NULL) {
			while (last->next != NULL)
				last = last->next;
			last->next = todo;
			todo = c->children;
			c->children = NULL;
		}
		GO_PROBE(ctx_cancel, c, by_program && c == ctx);
		atomic_store_explicit(&c->err, err, memory_order_release);
		go_chan_close_(c->done);
		stop_timer(c, dead);
	}
}

/* The deadline has passed. In scheduler context. */
static void expire(void *arg)
{
	struct go_context *ctx = arg, *dead = NULL;
	go__lock(&tree);
	cancel_tree(ctx, -ETIMEDOUT, false, &dead);
	unref(ctx, &dead);
	go__unlock(&tree);
	free_all(dead);
}

/* --------------------------------------------------------------------------------------- creation -- */

/* Everything but its place in the tree. The done channel is made now rather than when somebody asks, so that
 * a watcher knows it from the start. */
static struct go_context *new_context(struct go_context *parent, enum go_ctx_kind kind)
{
	go__self();
	if (parent == NULL)
		go_panic("cannot create context from nil parent");
	struct go_context *ctx = go__alloc(sizeof(*ctx));
	if (ctx == NULL)
		go_panic("context: out of memory");
	bool own = kind != GO_CTX_VALUE;
	ctx->kind = kind;
	ctx->refs = 1;
	ctx->parent = parent;
	ctx->source = own ? ctx : parent->source;
	ctx->done = own ? go_chan_make_(0, 0) : parent->done;
	ctx->deadline = parent->deadline;
	GO_PROBE(ctx_new, ctx, parent == &background ? NULL : parent, kind,
		 ctx->done ? &ctx->done->obj : NULL);
	return ctx;
}

/* Enter the tree; a parent that was cancelled already cancels the child at once. */
static struct go_context *enter(struct go_context *ctx, int64_t deadline)
{
	struct go_context *dead = NULL;
	go__lock(&tree);
	if (ctx->parent != &background)
		ctx->parent->refs++;
	if (ctx->source == ctx) {
		int err = atomic_load(&ctx->parent->source->err);
		link_child(ctx);
		if (err == 0 && deadline <= go_now())
			err = -ETIMEDOUT;
		if (err != 0) {
			cancel_tree(ctx, err, false, &dead);
		} else if (deadline < ctx->deadline) {
			ctx->deadline = deadline;
			ctx->refs++;
			go__timer_start(&ctx->timer, deadline, expire, ctx);
		}
	}
	go__unlock(&tree);
	free_all(dead);
	return ctx;
}

struct go_context *go_background(void)
{
	return &background;
}

struct go_context *go_with_cancel(struct go_context *parent)
{
	return enter(new_context(parent, GO_CTX_CANCEL), INT64_MAX);
}

struct go_context *go_with_deadline(struct go_context *parent, int64_t at)
{
	return enter(new_context(parent, GO_CTX_DEADLINE), at);
}

struct go_context *go_with_timeout(struct go_context *parent, int64_t ns)
{
	int64_t now = go_now();
	return go_with_deadline(parent, ns > INT64_MAX - now ? INT64_MAX : now + ns);
}

struct go_context *go_with_value(struct go_context *parent, const void *key, void *value)
{
	struct go_context *ctx = new_context(parent, GO_CTX_VALUE);
	ctx->key = key;
	ctx->value = value;
	return enter(ctx, INT64_MAX);
}

/* -------------------------------------------------------------------------------------------- use -- */

void go_cancel(struct go_context *ctx)
{
	struct go_context *dead = NULL;
	if (ctx->source != ctx || ctx == &background)
		return;
	go__lock(&tree);
	if (atomic_load(&ctx->err) != 0)
		GO_PROBE(ctx_cancel, ctx, true); /* too late to matter, but not forgotten */
	cancel_tree(ctx, -ECANCELED, true, &dead);
	go__unlock(&tree);
	free_all(dead);
}

go_chan(go_unit) go_done(struct go_context *ctx)
{
	return (go_chan(go_unit))(void *)ctx->done;
}

/* Whoever saw the done channel closed finds the error set: it is stored before. */
int go_err(struct go_context *ctx)
{
	go__count_unparked();
	return atomic_load_explicit(&ctx->source->err, memory_order_acquire);
}

void *go_value(struct go_context *ctx, const void *key)
{
	for (; ctx != NULL; ctx = ctx->parent)
		if (ctx->kind == GO_CTX_VALUE && ctx->key == key)
			return ctx->value;
	return NULL;
}

/* With children, the timer stays armed: their deadline is this one's. */
void go_context_free(struct go_context *ctx)
{
	struct go_context *dead = NULL;
	if (ctx == NULL || ctx == &background)
		return;
	go__self();
	GO_PROBE(ctx_free, ctx);
	go__lock(&tree);
	if (ctx->source == ctx && ctx->children == NULL)
		stop_timer(ctx, &dead);
	unref(ctx, &dead);
	go__unlock(&tree);
	free_all(dead);
}
