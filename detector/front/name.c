/* SPDX-License-Identifier: Apache-2.0
 *
 * name.c: names that a program gives its threads; reports call them so.
 */
#include "pthread.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/prctl.h>

static void name(struct gosan_g *g, const char *text)
{
	int saved;

	if (!g || !text || !gosan_front_enter(&saved))
		return;
	snprintf(g->name, sizeof(g->name), "%s", text);
	gosan_front_leave(saved);
}

GOSAN_EXPORT int pthread_setname_np(pthread_t handle, const char *text)
{
	int rc = GOSAN_REAL(pthread_setname_np)(handle, text);

	if (rc == 0)
		name(gosan_thread_context(handle), text);
	return rc;
}

GOSAN_EXPORT int prctl(int option, ...)
{
	unsigned long a[4];
	va_list ap;
	int rc;

	va_start(ap, option);
	for (size_t i = 0; i < 4; i++)
		a[i] = va_arg(ap, unsigned long);
	va_end(ap);
	rc = GOSAN_REAL(prctl)(option, a[0], a[1], a[2], a[3]);
	if (rc == 0 && option == PR_SET_NAME && gosan_pthread_me)
		name(gosan_pthread_me->g, (const char *)a[0]);
	return rc;
}
