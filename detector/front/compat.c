/* SPDX-License-Identifier: Apache-2.0
 *
 * compat.c: libc functions for programs that were linked with a shared ThreadSanitizer runtime.
 *
 * Such a runtime defines the libc functions that it intercepts, without versions, so the link editor recorded
 * the program's references without versions too. With the runtime out of the way the dynamic linker binds an
 * unversioned reference to the oldest version that libc has, which may have another structure or another
 * contract than the header that the program was compiled with. Here each function whose oldest version isn't
 * its newest goes on to the newest. memcpy and pthread_cond_* are of this kind as well, but interposed.
 *
 * The names carry a version of our own (libgosan.map): references with libc's versions, which all other
 * programs have, pass them by.
 */
#include "intercept.h"

#include <dlfcn.h>
#include <glob.h>
#include <math.h>
#include <pthread.h>
#include <regex.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

/* dlsym without a version returns the newest one. (posix_spawn, which is of this kind, is mark.c's.) */
#define FORWARD(type, name, params, args) \
	GOSAN_EXPORT type name params \
	{ \
		return GOSAN_REAL(name) args; \
	}

FORWARD(FILE *, fmemopen, (void *buf, size_t size, const char *mode), (buf, size, mode))
FORWARD(int, glob,
	(const char *restrict pattern, int flags, int (*fail)(const char *, int), glob_t *restrict ret),
	(pattern, flags, fail, ret))
FORWARD(int, glob64,
	(const char *restrict pattern, int flags, int (*fail)(const char *, int), glob64_t *restrict ret),
	(pattern, flags, fail, ret))
FORWARD(int, pthread_attr_getaffinity_np, (const pthread_attr_t *attr, size_t size, cpu_set_t *set),
	(attr, size, set))
FORWARD(int, pthread_kill, (pthread_t thread, int sig), (thread, sig))
FORWARD(char *, realpath, (const char *restrict path, char *restrict ret), (path, ret))
FORWARD(int, regexec,
	(const regex_t *restrict re, const char *restrict text, size_t n, regmatch_t match[restrict n],
	 int flags),
	(re, text, n, match, flags))
FORWARD(int, sched_getaffinity, (pid_t pid, size_t size, cpu_set_t *set), (pid, size, set))

/* ---- libm ---- */

/* The runtime needed libm, so a program that was linked with --as-needed may not: bring it in at the first
 * call. One that is there is found first, as RTLD_NEXT would. */
static void *in_libm(const char *name)
{
	void *lib, *f = gosan_intercept_next(name);

	if (f)
		return f;
	lib = dlopen("libm.so.6", RTLD_LAZY | RTLD_LOCAL);
	return lib ? dlsym(lib, name) : NULL;
}

#define MATHS(type, name, params, args) \
	GOSAN_EXPORT type name params \
	{ \
		static __typeof__(name) *real; \
\
		if (!real) \
			real = (__typeof__(name) *)in_libm(#name); \
		return real args; \
	}

MATHS(double, lgamma, (double x), (x))
MATHS(float, lgammaf, (float x), (x))
MATHS(long double, lgammal, (long double x), (x))
MATHS(double, lgamma_r, (double x, int *sign), (x, sign))
MATHS(float, lgammaf_r, (float x, int *sign), (x, sign))
MATHS(long double, lgammal_r, (long double x, int *sign), (x, sign))
MATHS(double, remquo, (double x, double y, int *quo), (x, y, quo))
MATHS(float, remquof, (float x, float y, int *quo), (x, y, quo))
MATHS(long double, remquol, (long double x, long double y, int *quo), (x, y, quo))
MATHS(void, sincos, (double x, double *sine, double *cosine), (x, sine, cosine))
MATHS(void, sincosf, (float x, float *sine, float *cosine), (x, sine, cosine))
MATHS(void, sincosl, (long double x, long double *sine, long double *cosine), (x, sine, cosine))
