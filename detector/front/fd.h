/* SPDX-License-Identifier: Apache-2.0
 *
 * fd.h: happens-before through descriptors: what was done before a write happens before what follows the
 * read that got the bytes. Knows pipes, sockets, eventfds and epoll; regular files give no order. And descriptors
 * as things that must not be closed while others use them (descriptor.h).
 */
#ifndef GOSAN_FD_H
#define GOSAN_FD_H

#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>

/* Call before a write, send or connect. Any thread; keeps errno; cheap when nothing is checked. */
void gosan_fd_release(int fd);
/* connect: before the call; accept: after it returned a descriptor. */
void gosan_fd_connecting(const struct sockaddr *to);
void gosan_fd_accepted(int listener);
/* Call after a read, recv or accept (the listening descriptor) returned something. */
void gosan_fd_acquire(int fd);
/* The same through what has no descriptor that tells: by key. The key of the file that fd names (0: none), and of the
 * kernel's object with this number. */
void gosan_fd_release_key(uint64_t key);
void gosan_fd_acquire_key(uint64_t key);
uint64_t gosan_fd_inode_key(int fd);
uint64_t gosan_fd_number_key(unsigned kind, uint64_t number);

/* ipc.c: a lock on a file may end with the close. */
void gosan_ipc_closing(void);

/* intercept_stream.c: after libc may have read for the call at pc. */
void gosan_fd_stream_read(FILE *f, uintptr_t pc);

/* intercept_io.c: before a call at pc that works with fd. */
void gosan_fd_using(int fd, uintptr_t pc);
/* openclose.c: before one that closes it; after one that made it. */
void gosan_fd_closing(int fd, uintptr_t pc);
void gosan_fd_made(int fd, uintptr_t pc);

#endif
