/* SPDX-License-Identifier: Apache-2.0
 *
 * socket.c: what was done before a connect comes before what is done after the accept.
 */
#include "fd.h"
#include "intercept.h"

#include <sys/socket.h>

/* The library's declarations take a transparent union in C. */
GOSAN_EXPORT int connect(int fd, __CONST_SOCKADDR_ARG to, socklen_t len)
{
	gosan_fd_using(fd, GOSAN_CALLER);
	if (!gosan_intercept_is_runtime(GOSAN_CALLER))
		gosan_fd_connecting(to.__sockaddr__);
	return GOSAN_REAL(connect)(fd, to, len);
}

GOSAN_EXPORT int accept(int fd, __SOCKADDR_ARG from, socklen_t *restrict len)
{
	int got;

	gosan_fd_using(fd, GOSAN_CALLER);
	got = GOSAN_REAL(accept)(fd, from, len);
	gosan_fd_made(got, GOSAN_CALLER);
	if (got >= 0 && !gosan_intercept_is_runtime(GOSAN_CALLER))
		gosan_fd_accepted(fd);
	return got;
}

GOSAN_EXPORT int accept4(int fd, __SOCKADDR_ARG from, socklen_t *restrict len, int flags)
{
	int got;

	gosan_fd_using(fd, GOSAN_CALLER);
	got = GOSAN_REAL(accept4)(fd, from, len, flags);
	gosan_fd_made(got, GOSAN_CALLER);
	if (got >= 0 && !gosan_intercept_is_runtime(GOSAN_CALLER))
		gosan_fd_accepted(fd);
	return got;
}
