/* SPDX-License-Identifier: Apache-2.0
 *
 * goroutine.h: goroutines, channels, select, and the sync and context packages of Go, for C.
 *
 * There is nothing to initialise. The first call of any function starts the runtime; the thread that
 * made it becomes the main goroutine. Every call that can block may be made from main and from any
 * goroutine, and parks only the goroutine. Zeroed objects are ready to use. The memory model is Go's.
 *
 *  - Durations and points in time are int64_t nanoseconds; the clock is monotonic (go_now).
 *  - Functions that can fail return 0 (or a count) or a negative errno.
 *  - Misuse that panics in Go (send on a closed channel, unlock of an unlocked mutex, ...) prints one
 *    line and the stack, and exits with status 2.
 *  - An object must not move or be copied while it is in use, and a parked goroutine's stack stays
 *    where it is: pointers to locals may be handed to other goroutines as long as the frame lives.
 *
 * Macros check the types of elements and arguments while compiling. They stand on plain functions whose
 * names end in an underscore, which other languages can call. Names with go__ are private.
 */
#ifndef GOROUTINE_H
#define GOROUTINE_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

/* Passing a pointer of the wrong type and mixing up pointers and integers are constraint violations of
 * ISO C that compilers older than gcc 14 merely warn about. The checks of elements and arguments below
 * rest on them, so they are errors from here on, unless GO_LENIENT is defined. */
#if !defined(__cplusplus) && !defined(GO_LENIENT)
#pragma GCC diagnostic error "-Wincompatible-pointer-types"
#pragma GCC diagnostic error "-Wint-conversion"
#endif

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------------------------ plumbing -- */

#define GO_CAT_(a, b)     GO_CAT__(a, b)
#define GO_CAT__(a, b)    a##b
#define GO_STR_(x)        GO_STR__(x)
#define GO_STR__(x)       #x
#define GO_HERE_          __FILE__ ":" GO_STR_(__LINE__)
#define GO_FIRST_(x, ...) x

/* A goroutine migrates between threads, but compilers take errno's address once per function. */
int *go_errno_(void);
#undef errno
#define errno (*go_errno_())

/* --------------------------------------------------------------------------- time and duration -- */

#define GO_NS  INT64_C(1)
#define GO_US  INT64_C(1000)
#define GO_MS  INT64_C(1000000)
#define GO_SEC INT64_C(1000000000)

int64_t go_now(void);      /* monotonic */
void go_sleep(int64_t ns); /* ns <= 0: returns at once */

/* --------------------------------------------------------------------------------- goroutines -- */

/* A call that is kept for later: up to six integer or pointer arguments, one word each. */
struct go_call {
	void (*fn)(void);
	const char *name;        /* the function as it was spelled */
	const char *where;       /* "file:line" */
	struct go_waitgroup *wg; /* whose counter goes down when the goroutine ends, or NULL */
	uintptr_t w[6];
};

/*
 * go(fn, args...)         run fn(args...) in a new goroutine
 * go_defer(fn, args...)   run fn(args...) when the enclosing scope ends, or the goroutine by go_exit
 * go_defer_close(ch)      the same for go_close(ch)
 *
 * The arguments are evaluated now, and converted to fn's parameters as in a call. At most six integer or
 * pointer arguments; pass floating values and structs by address. A result of fn is dropped.
 */
#define go(...)       GO_GO_(__COUNTER__, __VA_ARGS__)
#define go_defer(...) GO_DEFER_(__COUNTER__, __VA_ARGS__)
#define go_defer_close(ch) \
	GO_DEFER_(__COUNTER__, go_chan_close_, ((void)GO_ZERO_OF_(ch), (struct go_chan_of *)(void *)(ch)))

void go_yield(void);
void go_exit(void) __attribute__((noreturn)); /* runs the deferred calls, then ends this goroutine */
uint64_t go_id(void);                         /* 1 is main; never reused */
void go_set_name(const char *fmt, ...) __attribute__((format(printf, 1, 2))); /* at most 31 bytes */

int go_procs(void);
void go_set_procs(int n); /* how many goroutines run at the same time; also by environment GO_PROCS */
size_t go_count(void);    /* live goroutines */

void go_dump(int fd); /* every goroutine: state, since when, on what, stack; SIGQUIT does it to stderr */
void go_panic(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2))); /* exit status 2 */

void go_spawn_(const struct go_call *call);

struct go_deferred_ {
	struct go_call call;
	struct go_deferred_ *next; /* the enclosing scope's */
	bool armed;
};
void go_defer_(struct go_deferred_ *d);
void go_defer_run_(struct go_deferred_ *d);

/* A call through go_capture_, cast to the type of the real function, converts the arguments exactly as
 * the real call would and keeps the words; go_captured_ fetches them. A variable, because compilers turn
 * a call of a known function through another type into a trap. */
extern void (*const go_capture_)(void);
void go_captured_(struct go_call *call);

/*
 * How a call is kept. Three calls of fn are generated that never run: they check number, types and
 * conversions. In the first, each argument is a null pointer of a telling type, which converts to every
 * integer and pointer, but to no floating or struct parameter.
 *  - When no parameter is narrower than int (fn's type is then compatible with the unprototyped one), each
 *    argument is widened by its own type to a word.
 *  - Otherwise the callee relies on a conversion that only the compiler knows (an int to bool, say): the
 *    arguments pass through go_capture_. Compilers end the control flow after a call of noreturn type, so
 *    gcc, where the macro can tell, widens for such a function (its bool, char and short arguments must be
 *    in range); with clang a noreturn function must have no parameters of these types.
 */
struct go_only_integers_and_pointers;
#define GO_NUL_ ((struct go_only_integers_and_pointers *)0)

/* clang-format off */
#define GO_IGNORE_(w) _Pragma(GO_STR_(GCC diagnostic ignored w))
#define GO_CHECKS_OFF_ \
	_Pragma("GCC diagnostic push") \
	GO_IGNORE_("-Wint-conversion") GO_IGNORE_("-Wincompatible-pointer-types") GO_IGNORE_("-Wnonnull") \
	GO_IGNORE_("-Wformat") GO_IGNORE_("-Wformat-extra-args") GO_IGNORE_("-Wstrict-prototypes") GO_IGNORE_("-Wpedantic")
#define GO_CHECKS_ON_ _Pragma("GCC diagnostic pop")
/* clang-format on */

#define GO_IS_WIDE_(f, ret) __builtin_types_compatible_p(__typeof__(*(f)), ret())
#ifdef __clang__
#define GO_IS_NORETURN_(f) 0
#else
#define GO_IS_NORETURN_(f) __builtin_types_compatible_p(__typeof__(&*(f)), volatile __typeof__(*(f)) *)
#endif

/* 8 real, 9 complex, 12 struct, 13 union */
#define GO_IS_AGGREGATE_(e) (__builtin_classify_type(e) == 12 || __builtin_classify_type(e) == 13)
#define GO_IS_WORD_(e) \
	(__builtin_classify_type(e) != 8 && __builtin_classify_type(e) != 9 && !GO_IS_AGGREGATE_(e))
/* A value of the type, an int for void. Never evaluated. */
#define GO_VALUE_(ret)        (*__builtin_choose_expr(__builtin_types_compatible_p(ret, void), (int *)0, (ret *)0))
#define GO_RETURNS_WORD_(ret) (!GO_IS_AGGREGATE_(GO_VALUE_(ret)) && sizeof(GO_VALUE_(ret)) <= 8)

#define GO_ARG_(a) \
	_Static_assert(GO_IS_WORD_(a), \
		       "go: argument '" #a "' is floating, a struct or a union: pass its address"); \
	_Static_assert(!GO_IS_WORD_(a) || __builtin_classify_type(a) == 5 || sizeof(0 ? (a) : (a)) <= 8, \
		       "go: argument '" #a "' is wider than 64 bits");

#define GO_COUNT_(...) \
	GO_COUNT__(__VA_ARGS__, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, 6, 5, 4, 3, 2, 1, 0, ~)
#define GO_COUNT__(f, a, b, c, d, e, g, h, i, j, k, l, m, n, o, p, count, ...) count

#define GO_ARGS_0(f)
#define GO_ARGS_1(f, a)                GO_ARG_(a)
#define GO_ARGS_2(f, a, b)             GO_ARG_(a) GO_ARG_(b)
#define GO_ARGS_3(f, a, b, c)          GO_ARG_(a) GO_ARG_(b) GO_ARG_(c)
#define GO_ARGS_4(f, a, b, c, d)       GO_ARGS_3(f, a, b, c) GO_ARG_(d)
#define GO_ARGS_5(f, a, b, c, d, e)    GO_ARGS_4(f, a, b, c, d) GO_ARG_(e)
#define GO_ARGS_6(f, a, b, c, d, e, g) GO_ARGS_5(f, a, b, c, d, e) GO_ARG_(g)
#define GO_ARGS_MANY(...)              _Static_assert(0, "go: at most six arguments; pass the address of a struct");

#define GO_NULLS_0(f)    (f)()
#define GO_NULLS_1(f)    (f)(GO_NUL_)
#define GO_NULLS_2(f)    (f)(GO_NUL_, GO_NUL_)
#define GO_NULLS_3(f)    (f)(GO_NUL_, GO_NUL_, GO_NUL_)
#define GO_NULLS_4(f)    (f)(GO_NUL_, GO_NUL_, GO_NUL_, GO_NUL_)
#define GO_NULLS_5(f)    (f)(GO_NUL_, GO_NUL_, GO_NUL_, GO_NUL_, GO_NUL_)
#define GO_NULLS_6(f)    (f)(GO_NUL_, GO_NUL_, GO_NUL_, GO_NUL_, GO_NUL_, GO_NUL_)
#define GO_NULLS_MANY(f) 0

#define GO_WORDS_0(f)                   0
#define GO_WORDS_1(f, a)                (uintptr_t)(a)
#define GO_WORDS_2(f, a, b)             (uintptr_t)(a), (uintptr_t)(b)
#define GO_WORDS_3(f, a, b, c)          (uintptr_t)(a), (uintptr_t)(b), (uintptr_t)(c)
#define GO_WORDS_4(f, a, b, c, d)       GO_WORDS_3(f, a, b, c), (uintptr_t)(d)
#define GO_WORDS_5(f, a, b, c, d, e)    GO_WORDS_4(f, a, b, c, d), (uintptr_t)(e)
#define GO_WORDS_6(f, a, b, c, d, e, g) GO_WORDS_5(f, a, b, c, d, e), (uintptr_t)(g)
#define GO_WORDS_MANY(...)              0

#define GO_APPLY_0(to, f)                   (to)()
#define GO_APPLY_1(to, f, a)                (to)(a)
#define GO_APPLY_2(to, f, a, b)             (to)(a, b)
#define GO_APPLY_3(to, f, a, b, c)          (to)(a, b, c)
#define GO_APPLY_4(to, f, a, b, c, d)       (to)(a, b, c, d)
#define GO_APPLY_5(to, f, a, b, c, d, e)    (to)(a, b, c, d, e)
#define GO_APPLY_6(to, f, a, b, c, d, e, g) (to)(a, b, c, d, e, g)
#define GO_APPLY_MANY(...)                  (void)0

/* clang-format off */
/* Statements: fill `call` (a struct go_call lvalue) with fn(args...). n makes names unique, k counts. */
#define GO_KEEP_(n, call, ...) GO_KEEP__(n, GO_COUNT_(__VA_ARGS__), call, GO_FIRST_(__VA_ARGS__, ~), __VA_ARGS__)
#define GO_KEEP__(n, k, call, f, ...) GO_KEEP___(n, k, call, f, __VA_ARGS__)
#define GO_KEEP___(n, k, call_, f, ...) \
	GO_ARGS_##k(__VA_ARGS__) \
	GO_CHECKS_OFF_ \
	typedef __typeof__(GO_NULLS_##k(f)) go__ret_##n; \
	enum { \
		go__wide_##n = GO_IS_WIDE_(f, go__ret_##n) || GO_IS_NORETURN_(f), \
		go__word_##n = GO_RETURNS_WORD_(go__ret_##n), \
	}; \
	GO_CHECKS_ON_ \
	_Static_assert(go__word_##n, "go: the function returns a struct or a long double"); \
	if (0) \
		(void)GO_APPLY_##k(f, __VA_ARGS__); \
	(call_).fn = (void (*)(void))(f); \
	(call_).name = #f; \
	(call_).where = GO_HERE_; \
	(call_).wg = NULL; \
	__builtin_choose_expr(go__wide_##n, ({ \
		const uintptr_t go__w_##n[6] = {GO_WORDS_##k(__VA_ARGS__)}; \
		__builtin_memcpy((call_).w, go__w_##n, sizeof(go__w_##n)); \
	}), ({ \
		(void)GO_APPLY_##k((__typeof__(&*(f)))go_capture_, __VA_ARGS__); \
		go_captured_(&(call_)); \
	}))

#define GO_GO_(n, ...) GO_GO__(n, __VA_ARGS__)
#define GO_GO__(n, ...) __extension__ ({ \
	struct go_call go__call_##n; \
	GO_KEEP_(n, go__call_##n, __VA_ARGS__); \
	go_spawn_(&go__call_##n); \
})
#define GO_DEFER_(n, ...) GO_DEFER__(n, __VA_ARGS__)
#define GO_DEFER__(n, ...) \
	struct go_deferred_ go__defer_##n __attribute__((cleanup(go_defer_run_))); \
	go__defer_##n.armed = false; \
	__extension__ ({ \
		GO_KEEP_(n, go__defer_##n.call, __VA_ARGS__); \
		go_defer_(&go__defer_##n); \
	})
/* clang-format on */

/* ----------------------------------------------------------------------------------- channels -- */

/* go_chan(T) is a handle that carries its element type; two handles of the same T are the same type.
 * NULL is the nil channel: send and receive block for ever, close panics. */
struct go_chan_of;
/* clang-format off */
#define go_chan(T) __typeof__(__typeof__(T) (**)(struct go_chan_of *))
/* clang-format on */
#define GO_ELEM_(ch)    __typeof__((**(ch))((struct go_chan_of *)0))
#define GO_HANDLE_(ch)  ((struct go_chan_of *)(void *)(ch))
#define GO_ZERO_OF_(ch) sizeof(GO_ELEM_(ch) *)

#ifdef __cplusplus
typedef struct go_unit go_unit; /* has no size that C and C++ agree on */
#else
__extension__ typedef struct go_unit {
} go_unit; /* the element of channels that carry no data */
#endif
#define GO_UNIT (__extension__(go_unit){})

/*
 * go_chan(T) go_make(T, cap)        cap 0: unbuffered
 * void go_send(ch, value)
 * T    go_recv(ch)                  zeroed when closed and drained
 * bool go_recv_ok(ch, &v)           false, and v zeroed, when closed and drained; &v may be NULL
 * void go_close(ch)
 * size_t go_len(ch), go_cap(ch)     0 for nil
 * void go_chan_free(ch)             nobody may use it any more; closing isn't required
 * go_range(v, ch) { ... }           declares v; until closed and drained; break and continue work
 */
#define go_make(T, cap)   ((go_chan(T))(void *)go_chan_make_(sizeof(T), (cap)))
#define go_send(ch, ...)  GO_SEND__(__COUNTER__, ch, __VA_ARGS__)
#define go_recv(ch)       GO_RECV__(__COUNTER__, ch)
#define go_recv_ok(ch, p) go_chan_recv_(GO_HANDLE_(ch), (GO_ELEM_(ch) *){(p)})
#define go_close(ch)      go_chan_close_(((void)GO_ZERO_OF_(ch), GO_HANDLE_(ch)))
#define go_len(ch)        go_chan_len_(((void)GO_ZERO_OF_(ch), GO_HANDLE_(ch)))
#define go_cap(ch)        go_chan_cap_(((void)GO_ZERO_OF_(ch), GO_HANDLE_(ch)))
#define go_chan_free(ch)  go_chan_free_(((void)GO_ZERO_OF_(ch), GO_HANDLE_(ch)))
#define go_range(v, ch)   GO_RANGE__(__COUNTER__, v, ch)

/* clang-format off */
#define GO_SEND__(n, ch, ...) GO_SEND___(n, ch, __VA_ARGS__)
#define GO_SEND___(n, ch, ...) __extension__ ({ \
	__typeof__(ch) go__ch_##n = (ch); \
	GO_ELEM_(ch) go__v_##n; \
	go__v_##n = (__VA_ARGS__); \
	go_chan_send_(GO_HANDLE_(go__ch_##n), &go__v_##n); \
})
#define GO_RECV__(n, ch) GO_RECV___(n, ch)
#define GO_RECV___(n, ch) __extension__ ({ \
	GO_ELEM_(ch) go__v_##n; \
	(void)go_chan_recv_(GO_HANDLE_(ch), &go__v_##n); \
	go__v_##n; \
})
#define GO_RANGE__(n, v, ch) GO_RANGE___(n, v, ch)
#define GO_RANGE___(n, v, ch) \
	for (__typeof__(ch) go__ch_##n = (ch), *go__one_##n = &go__ch_##n; go__one_##n; go__one_##n = NULL) \
		for (GO_ELEM_(ch) v; go_chan_recv_(GO_HANDLE_(go__ch_##n), &v);)
/* clang-format on */

struct go_chan_of *go_chan_make_(size_t elem_size, size_t cap);
void go_chan_send_(struct go_chan_of *ch, const void *elem);
bool go_chan_recv_(struct go_chan_of *ch, void *elem); /* elem may be NULL */
void go_chan_close_(struct go_chan_of *ch);
size_t go_chan_len_(struct go_chan_of *ch);
size_t go_chan_cap_(struct go_chan_of *ch);
void go_chan_free_(struct go_chan_of *ch);

/* ------------------------------------------------------------------------------------- select -- */

/*
 * int i = go_select(GO_RECV(ch, &v), GO_RECV_OK(ch, &v, &ok), GO_SEND(ch, value), GO_AFTER(ns));
 *
 * Waits until one of the cases can run, runs it and returns its index; the choice among several that
 * are ready is uniform. Cases may be designated ([QUIT] = GO_RECV(quit)). GO_RECV(ch) and NULL for &v
 * drop the value. A case on a nil channel is never ready; GO_AFTER is ready when ns have passed. No
 * cases: blocks for ever. go_select_default() returns -1 instead of waiting.
 */
enum go_case_op_ { GO_CASE_NONE_, GO_CASE_SEND_, GO_CASE_RECV_, GO_CASE_AFTER_ };
struct go_case_ {
	enum go_case_op_ op;
	struct go_chan_of *ch;
	void *elem; /* what to send, or where to put what was received */
	bool *ok;
	int64_t ns;
};

#define go_select(...)         GO_SELECT__(__COUNTER__, true, __VA_ARGS__)
#define go_select_default(...) GO_SELECT__(__COUNTER__, false, __VA_ARGS__)

/* clang-format off */
#define GO_RECV(...) GO_CAT_(GO_RECV_, GO_COUNT_(__VA_ARGS__))(__VA_ARGS__)
#define GO_RECV_0(ch) GO_RECV_1(ch, NULL)
#define GO_RECV_1(ch_, p) {.op = GO_CASE_RECV_, .ch = GO_HANDLE_(ch_), .elem = (GO_ELEM_(ch_) *){(p)}}
#define GO_RECV_OK(ch_, p, ok_) \
	{.op = GO_CASE_RECV_, .ch = GO_HANDLE_(ch_), .elem = (GO_ELEM_(ch_) *){(p)}, .ok = (ok_)}
#define GO_SEND(ch, ...) GO_SEND_CASE__(__COUNTER__, ch, __VA_ARGS__)
#define GO_AFTER(ns_) {.op = GO_CASE_AFTER_, .ns = (ns_)}

/* Assigned, not initialised: a struct's initialiser would take a value of its first member's type. */
#define GO_SEND_CASE__(n, ch, ...) GO_SEND_CASE___(n, ch, __VA_ARGS__)
#define GO_SEND_CASE___(n, ch_, ...) \
	{.op = GO_CASE_SEND_, .ch = GO_HANDLE_(ch_), .elem = (GO_ELEM_(ch_)[1]){({ \
		GO_ELEM_(ch_) go__v_##n; \
		go__v_##n = (__VA_ARGS__); \
		go__v_##n; \
	})}}

#define GO_SELECT__(n, block, ...) GO_SELECT___(n, block, __VA_ARGS__)
#define GO_SELECT___(n, block, ...) __extension__ ({ \
	struct go_case_ go__cases_##n[] = {__VA_ARGS__}; \
	go_select_(go__cases_##n, sizeof(go__cases_##n) / sizeof(struct go_case_), block); \
})
/* clang-format on */

int go_select_(struct go_case_ *cases, size_t n, bool block);

/* --------------------------------------------------------------------------------------- sync -- */

/* The first member of each object is a watcher's (see runtime/probe.h). */
struct go_waiter;
struct go_waitq {
	struct go_waiter *first, *last;
};

typedef struct go_mutex {
	unsigned go__id;
	unsigned go__word;
	unsigned go__lock;
	unsigned go__sections;
	struct go_waitq go__queue;
} go_mutex;

void go_mutex_lock(go_mutex *mu);
bool go_mutex_trylock(go_mutex *mu);
void go_mutex_unlock(go_mutex *mu); /* by any goroutine; unlocked already: fatal */

/*
 * A lock that is free, and an unlock that nobody waits for, are one atomic instruction where they stand, while
 * no detector or tracer watches; anything else is the call. The functions can be called and passed on as all
 * others. Always the call: without optimisation; in code instrumented for ThreadSanitizer, which must see no
 * atomics of ours; in code that is not position-independent, whose linker would copy go_watched_ away from
 * where tracers count; and with GO_CALLS defined, for those who put a library in front of this one.
 */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define GO_CALLS_ONLY_
#endif
#endif
#if defined(GO_CALLS) || defined(__SANITIZE_THREAD__) || !(defined(__PIC__) || defined(__PIE__))
#define GO_CALLS_ONLY_
#endif
#ifndef GO_CALLS_ONLY_
/* Not zero: each lock is told to somebody. Weak, so that gcc finds it through the GOT also in an executable. */
extern unsigned short go_watched_ __attribute__((__weak__));
void go_mutex_lock_(go_mutex *mu);   /* the same functions by another name: clang takes a call of */
void go_mutex_unlock_(go_mutex *mu); /* go_mutex_lock in its own inline body for a recursion */

/* 0 is a free mutex, 1 a locked one without waiters. */
extern __inline__ __attribute__((__gnu_inline__)) void go_mutex_lock(go_mutex *mu)
{
	unsigned go__word = 0;
	if (__builtin_expect(*(volatile unsigned short *)&go_watched_ != 0, 0) ||
	    !__atomic_compare_exchange_n(&mu->go__word, &go__word, 1, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		go_mutex_lock_(mu);
}

/* Every 2048th section ends by the call, which gives way to others. The count is the owner's: before the unlock. */
extern __inline__ __attribute__((__gnu_inline__)) void go_mutex_unlock(go_mutex *mu)
{
	unsigned go__word = 1, go__count = mu->go__sections + 1;
	if (__builtin_expect(*(volatile unsigned short *)&go_watched_ != 0 || (go__count & 2047) == 0, 0)) {
		go_mutex_unlock_(mu);
		return;
	}
	mu->go__sections = go__count;
	if (!__atomic_compare_exchange_n(&mu->go__word, &go__word, 0, 0, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		go_mutex_unlock_(mu);
}
#endif

/* A waiting writer holds back new readers, so a goroutine must not take a read lock twice. */
typedef struct go_rwmutex {
	unsigned go__id;
	unsigned go__lock;
	unsigned go__readers;
	unsigned go__writer;
	struct go_waitq go__write_queue, go__read_queue;
} go_rwmutex;

void go_rwmutex_lock(go_rwmutex *rw);
bool go_rwmutex_trylock(go_rwmutex *rw);
void go_rwmutex_unlock(go_rwmutex *rw);
void go_rwmutex_rlock(go_rwmutex *rw);
bool go_rwmutex_tryrlock(go_rwmutex *rw);
void go_rwmutex_runlock(go_rwmutex *rw);

/* Add before the goroutine starts, done when it ends, wait for the counter to become 0. */
typedef struct go_waitgroup {
	unsigned go__id;
	unsigned go__lock;
	uint64_t go__word;
	struct go_waitq go__queue;
} go_waitgroup;

void go_waitgroup_add(go_waitgroup *wg, int n); /* below zero: panics */
void go_waitgroup_done(go_waitgroup *wg);
void go_waitgroup_wait(go_waitgroup *wg);
/* go_waitgroup_go(&wg, fn, args...): add 1, run fn(args...) in a new goroutine, done when it ends */
/* clang-format off */
#define go_waitgroup_go(wg, ...) GO_WG_GO_(__COUNTER__, wg, __VA_ARGS__)
#define GO_WG_GO_(n, wg, ...) GO_WG_GO__(n, wg, __VA_ARGS__)
#define GO_WG_GO__(n, wg, ...) __extension__ ({ \
	struct go_call go__call_##n; \
	go_waitgroup *go__wg_##n = (wg); \
	GO_KEEP_(n, go__call_##n, __VA_ARGS__); \
	go_waitgroup_go_(go__wg_##n, &go__call_##n); \
})
/* clang-format on */

void go_waitgroup_go_(go_waitgroup *wg, const struct go_call *call);

/* go_once_do(&once, fn, args...): the first call runs fn; every call returns after fn has ended. */
typedef struct go_once {
	unsigned go__id;
	unsigned go__lock;
	unsigned go__state;
	unsigned go__spare;
	struct go_waitq go__queue;
} go_once;

/* clang-format off */
#define go_once_do(once, ...) GO_ONCE_(__COUNTER__, once, __VA_ARGS__)
#define GO_ONCE_(n, once, ...) GO_ONCE__(n, once, __VA_ARGS__)
#define GO_ONCE__(n, once, ...) __extension__ ({ \
	struct go_call go__call_##n; \
	go_once *go__once_##n = (once); \
	GO_KEEP_(n, go__call_##n, __VA_ARGS__); \
	go_once_do_(go__once_##n, &go__call_##n); \
})
/* clang-format on */

void go_once_do_(go_once *once, const struct go_call *call);

/* go_cond c = GO_COND(&mu); wait with mu locked, in a loop that tests the condition. */
typedef struct go_cond {
	unsigned go__id;
	unsigned go__lock;
	go_mutex *go__mu;
	struct go_waitq go__queue;
} go_cond;
#ifndef __cplusplus
#define GO_COND(mu) ((go_cond){.go__mu = (mu)})
#else
#define GO_COND(mu) (go_cond{0, 0, (mu), {nullptr, nullptr}})
#endif

void go_cond_wait(go_cond *c);
void go_cond_signal(go_cond *c);
void go_cond_broadcast(go_cond *c);

/* ------------------------------------------------------------------------------------ context -- */

/* A tree of contexts: cancelling one cancels its descendants. Each go_with_ result is the caller's to
 * free; that stops its timer, and takes it out of the tree without cancelling its children's work. */
typedef struct go_context go_context;

go_context *go_background(void); /* the root: never cancelled, never freed */
go_context *go_with_cancel(go_context *parent);
go_context *go_with_timeout(go_context *parent, int64_t ns);
go_context *go_with_deadline(go_context *parent, int64_t at); /* at: of go_now's clock */
go_context *go_with_value(go_context *parent, const void *key, void *value);
void go_cancel(go_context *ctx);                  /* again: no effect */
go_chan(go_unit) go_done(go_context *ctx);        /* closed on cancellation; nil for the background */
int go_err(go_context *ctx);                      /* 0, -ECANCELED, or -ETIMEDOUT after the deadline */
void *go_value(go_context *ctx, const void *key); /* nearest ancestor's, or NULL */
void go_context_free(go_context *ctx);

/* ------------------------------------------------------------------------------------- timers -- */

typedef struct go_timer go_timer;
typedef struct go_ticker go_ticker;

/* Channels that receive go_now(), once or every ns; a tick that nobody took is dropped. go_chan_free of the
 * channel ends the timer or ticker and frees it. */
go_chan(int64_t) go_after(int64_t ns);
go_chan(int64_t) go_tick(int64_t ns); /* nil when ns <= 0 */
go_timer *go_timer_new(int64_t ns);
go_timer *go_after_func(int64_t ns, void (*fn)(void *), void *arg); /* fn in its own goroutine */
go_chan(int64_t) go_timer_chan(go_timer *t);
bool go_timer_stop(go_timer *t); /* false: it had fired or was stopped */
bool go_timer_reset(go_timer *t, int64_t ns);
go_ticker *go_ticker_new(int64_t ns);
go_chan(int64_t) go_ticker_chan(go_ticker *t);
void go_ticker_stop(go_ticker *t);

/* ------------------------------------------------------------------- signals, I/O, blocking calls -- */

/* Signals that arrive are sent to ch, and dropped when it is full. A list of signals, ended by 0. */
int go_notify(go_chan(int) ch, int sig, ...);

/* As read(2) and the like, on any descriptor; results of -1 and errno become a negative errno. */
ssize_t go_read(int fd, void *buf, size_t n);
ssize_t go_write(int fd, const void *buf, size_t n);
int go_accept(int fd, struct sockaddr *addr, socklen_t *len);
int go_connect(int fd, const struct sockaddr *addr, socklen_t len);
/* POLLIN, POLLOUT: the events that are ready, 0 after timeout ns (negative: none), or negative errno. */
int go_wait_fd(int fd, short events, int64_t timeout);

/* The same, ended also by a context: with -ECANCELED, or -ETIMEDOUT when its deadline has passed. */
ssize_t go_read_ctx(go_context *ctx, int fd, void *buf, size_t n);
ssize_t go_write_ctx(go_context *ctx, int fd, const void *buf, size_t n);
int go_accept_ctx(go_context *ctx, int fd, struct sockaddr *addr, socklen_t *len);
int go_connect_ctx(go_context *ctx, int fd, const struct sockaddr *addr, socklen_t len);
int go_wait_fd_ctx(go_context *ctx, int fd, short events);

/* fn(arg) on a thread that it may block: other goroutines go on. Its result. */
intptr_t go_blocking(intptr_t (*fn)(void *), void *arg);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop

#endif
