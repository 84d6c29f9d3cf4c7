/* SPDX-License-Identifier: Apache-2.0
 *
 * intercept_io.c: buffers that go to and come from descriptors, and the order that bytes through a pipe or socket make
 * (fd.h); streams are in intercept_stream.c. A write publishes before the real call, a read acquires after it; the bytes
 * that a read did not fill are not written.
 */
#include "intercept.h"

#include "fd.h"

#include "../descriptor.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

ssize_t __read_chk(int, void *, size_t, size_t);
ssize_t __recv_chk(int, void *, size_t, size_t, int);

/* The runtime's own reads and writes are announced by its probes. */
static bool watched(uintptr_t pc)
{
	return gosan_access_ready && !gosan_ignore && !gosan_intercept_is_own(pc);
}

void gosan_fd_using(int fd, uintptr_t pc)
{
	if (watched(pc) && gosan_intercept_sees(pc))
		gosan_descriptor_use(fd, pc);
}

/* After the real call: n as it returned, errno as it left it. The edge comes before the access, or the data would
 * look unordered with what the writer did to the same buffer. */
static ssize_t did_read(int fd, void *buf, ssize_t n, uintptr_t pc)
{
	int saved = errno;

	if (n < 0 || !watched(pc))
		return n;
	gosan_fd_acquire(fd);
	if (n > 0 && gosan_intercept_sees(pc))
		gosan_intercept_write(buf, (size_t)n, pc);
	errno = saved;
	return n;
}

/* Before the real call: from then on a reader may have the bytes. */
static void will_write(int fd, const void *buf, size_t n, uintptr_t pc)
{
	int saved = errno;

	if (!watched(pc))
		return;
	gosan_fd_using(fd, pc);
	if (n > 0 && gosan_intercept_sees(pc))
		gosan_intercept_read(buf, n, pc);
	gosan_fd_release(fd);
	errno = saved;
}

/* The vector is filled in order, and the last part perhaps not to its end. */
static ssize_t did_readv(int fd, const struct iovec *v, int n_v, ssize_t n, uintptr_t pc)
{
	size_t left = n > 0 ? (size_t)n : 0;

	did_read(fd, NULL, n < 0 ? n : 0, pc);
	for (int i = 0; i < n_v && left && gosan_intercept_sees(pc); i++) {
		size_t part = v[i].iov_len < left ? v[i].iov_len : left;

		gosan_intercept_write(v[i].iov_base, part, pc);
		left -= part;
	}
	return n;
}

/* All parts are taken as written out, though the call may write fewer: they are read in any case. */
static void will_writev(int fd, const struct iovec *v, int n_v, uintptr_t pc)
{
	for (int i = 0; i < n_v && gosan_intercept_sees(pc); i++)
		gosan_intercept_read(v[i].iov_base, v[i].iov_len, pc);
	will_write(fd, NULL, 0, pc);
}

GOSAN_EXPORT ssize_t read(int fd, void *buf, size_t n)
{
	gosan_fd_using(fd, GOSAN_CALLER);
	return did_read(fd, buf, GOSAN_REAL(read)(fd, buf, n), GOSAN_CALLER);
}

GOSAN_EXPORT ssize_t __read_chk(int fd, void *buf, size_t n, size_t room)
{
	gosan_fd_using(fd, GOSAN_CALLER);
	return did_read(fd, buf, GOSAN_REAL(__read_chk)(fd, buf, n, room), GOSAN_CALLER);
}

GOSAN_EXPORT ssize_t pread(int fd, void *buf, size_t n, off_t at)
{
	gosan_fd_using(fd, GOSAN_CALLER);
	return did_read(fd, buf, GOSAN_REAL(pread)(fd, buf, n, at), GOSAN_CALLER);
}

GOSAN_EXPORT ssize_t pread64(int fd, void *buf, size_t n, off64_t at)
{
	gosan_fd_using(fd, GOSAN_CALLER);
	return did_read(fd, buf, GOSAN_REAL(pread64)(fd, buf, n, at), GOSAN_CALLER);
}

GOSAN_EXPORT ssize_t readv(int fd, const struct iovec *v, int n_v)
{
	gosan_fd_using(fd, GOSAN_CALLER);
	return did_readv(fd, v, n_v, GOSAN_REAL(readv)(fd, v, n_v), GOSAN_CALLER);
}

GOSAN_EXPORT ssize_t recv(int fd, void *buf, size_t n, int flags)
{
	gosan_fd_using(fd, GOSAN_CALLER);
	return did_read(fd, buf, GOSAN_REAL(recv)(fd, buf, n, flags), GOSAN_CALLER);
}

GOSAN_EXPORT ssize_t __recv_chk(int fd, void *buf, size_t n, size_t room, int flags)
{
	gosan_fd_using(fd, GOSAN_CALLER);
	return did_read(fd, buf, GOSAN_REAL(__recv_chk)(fd, buf, n, room, flags), GOSAN_CALLER);
}

GOSAN_EXPORT ssize_t recvfrom(int fd, void *restrict buf, size_t n, int flags, struct sockaddr *restrict from,
			      socklen_t *restrict len)
{
	gosan_fd_using(fd, GOSAN_CALLER);
	return did_read(fd, buf, GOSAN_REAL(recvfrom)(fd, buf, n, flags, from, len), GOSAN_CALLER);
}

GOSAN_EXPORT ssize_t recvmsg(int fd, struct msghdr *m, int flags)
{
	gosan_fd_using(fd, GOSAN_CALLER);
	return did_readv(fd, m->msg_iov, (int)m->msg_iovlen, GOSAN_REAL(recvmsg)(fd, m, flags), GOSAN_CALLER);
}

GOSAN_EXPORT ssize_t write(int fd, const void *buf, size_t n)
{
	will_write(fd, buf, n, GOSAN_CALLER);
	return GOSAN_REAL(write)(fd, buf, n);
}

GOSAN_EXPORT ssize_t pwrite(int fd, const void *buf, size_t n, off_t at)
{
	will_write(fd, buf, n, GOSAN_CALLER);
	return GOSAN_REAL(pwrite)(fd, buf, n, at);
}

GOSAN_EXPORT ssize_t pwrite64(int fd, const void *buf, size_t n, off64_t at)
{
	will_write(fd, buf, n, GOSAN_CALLER);
	return GOSAN_REAL(pwrite64)(fd, buf, n, at);
}

GOSAN_EXPORT ssize_t writev(int fd, const struct iovec *v, int n_v)
{
	will_writev(fd, v, n_v, GOSAN_CALLER);
	return GOSAN_REAL(writev)(fd, v, n_v);
}

GOSAN_EXPORT ssize_t send(int fd, const void *buf, size_t n, int flags)
{
	will_write(fd, buf, n, GOSAN_CALLER);
	return GOSAN_REAL(send)(fd, buf, n, flags);
}

GOSAN_EXPORT ssize_t sendto(int fd, const void *buf, size_t n, int flags, const struct sockaddr *to,
			    socklen_t len)
{
	will_write(fd, buf, n, GOSAN_CALLER);
	return GOSAN_REAL(sendto)(fd, buf, n, flags, to, len);
}

GOSAN_EXPORT ssize_t sendmsg(int fd, const struct msghdr *m, int flags)
{
	will_writev(fd, m->msg_iov, (int)m->msg_iovlen, GOSAN_CALLER);
	return GOSAN_REAL(sendmsg)(fd, m, flags);
}
