/* SPDX-License-Identifier: Apache-2.0
 *
 * fd.h: happens-before through descriptors: what was done before a write happens before what follows the
 * read that got the bytes. Knows pipes, sockets and eventfds; regular files give no order.
 */
#ifndef GOSAN_FD_H
#define GOSAN_FD_H

#include <sys/socket.h>

/* Call before a write, send or connect. Any thread; keeps errno; cheap when nothing is checked. */
void gosan_fd_release(int fd);
/* connect: before the call; accept: after it returned a descriptor. */
void gosan_fd_connecting(const struct sockaddr *to);
void gosan_fd_accepted(int listener);
/* Call after a read, recv or accept (the listening descriptor) returned something. */
void gosan_fd_acquire(int fd);

#endif
