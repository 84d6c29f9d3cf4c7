/* SPDX-License-Identifier: Apache-2.0
 *
 * fd.c: which two descriptors are the ends of one thing.
 *
 * A descriptor's number says nothing about the other end, so each call asks the kernel what it names: a pipe
 * is its inode, a connected internet socket the pair of its addresses (the same for both ends), anything
 * else without a name its number. Sockets that tell no pair (Unix domain, listening, not connected yet)
 * share one object: order that may not be there, never a false alarm. The system calls cost less than the
 * read or write that they go with, and only programs with instrumented code pay them.
 */
#include "fd.h"

#include "front.h"

#include "../depot.h"
#include "../module.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

/* Keys are no addresses of the program: bit 63 is set. */
#define KEY        (UINT64_C(1) << 63)
#define ANY_SOCKET (KEY | 1)

static uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * UINT64_C(0x9e3779b97f4a7c15);
	return h ^ (h >> 29);
}

static uint64_t hash_bytes(const void *p, size_t n)
{
	uint64_t h = n;

	for (size_t i = 0; i < n; i++)
		h = mix(h, ((const unsigned char *)p)[i]);
	return h;
}

/* An address without the padding and the scope that the two ends may see differently; 0 for other families. */
static uint64_t hash_address(const struct sockaddr_storage *a)
{
	const struct sockaddr_in *v4 = (const void *)a;
	const struct sockaddr_in6 *v6 = (const void *)a;

	if (a->ss_family == AF_INET)
		return mix(hash_bytes(&v4->sin_addr, sizeof(v4->sin_addr)), v4->sin_port);
	if (a->ss_family == AF_INET6)
		return mix(hash_bytes(&v6->sin6_addr, sizeof(v6->sin6_addr)), v6->sin6_port);
	return 0;
}

static uint64_t socket_key(int fd)
{
	struct sockaddr_storage here, there;
	socklen_t n = sizeof(here), m = sizeof(there);
	uint64_t a, b;

	memset(&here, 0, sizeof(here));
	memset(&there, 0, sizeof(there));
	if (getsockname(fd, (struct sockaddr *)&here, &n) != 0 ||
	    getpeername(fd, (struct sockaddr *)&there, &m) != 0)
		return ANY_SOCKET;
	a = hash_address(&here);
	b = hash_address(&there);
	return a && b ? KEY | mix(1, a + b) : ANY_SOCKET; /* a sum, so that both ends agree */
}

/* 0: no order comes from this descriptor. */
static uint64_t key_of(int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return 0;
	switch (st.st_mode & S_IFMT) {
	case S_IFIFO:
		return KEY | mix(mix(2, st.st_dev), st.st_ino);
	case S_IFSOCK:
		return socket_key(fd);
	case 0: /* anonymous inodes: eventfd, timerfd, signalfd */
		return KEY | mix(3, (uint64_t)fd);
	default:
		return 0;
	}
}

static void order_key(enum gosan_op op, uint64_t key)
{
	struct gosan_event ev = {.op = op};
	int saved;

	if (!gosan_front_on || !gosan_module_any_instrumented() || !gosan_front_enter(&saved))
		return;
	ev.g = gosan_engine_self();
	ev.obj = gosan_engine_object_at((uintptr_t)key, GOSAN_OBJ_FD);
	ev.stack = gosan_unwind_here();
	gosan_engine_event(&ev);
	gosan_front_leave(saved);
}

void gosan_fd_release_key(uint64_t key)
{
	int saved = errno;

	if (key)
		order_key(GOSAN_EV_HB_RELEASE, key);
	errno = saved;
}

void gosan_fd_acquire_key(uint64_t key)
{
	int saved = errno;

	if (key)
		order_key(GOSAN_EV_HB_ACQUIRE, key);
	errno = saved;
}

uint64_t gosan_fd_inode_key(int fd)
{
	struct stat st;
	int saved = errno;
	bool wanted = gosan_front_on && gosan_module_any_instrumented();
	uint64_t key = wanted && fstat(fd, &st) == 0 ? KEY | mix(mix(2, st.st_dev), st.st_ino) : 0;

	errno = saved;
	return key;
}

/* Kinds below 5 are ours. */
uint64_t gosan_fd_number_key(unsigned kind, uint64_t number)
{
	return KEY | mix(kind, number);
}

static void order(enum gosan_op op, int fd)
{
	int saved = errno;
	uint64_t key = gosan_front_on && gosan_module_any_instrumented() ? key_of(fd) : 0;

	if (key)
		order_key(op, key);
	errno = saved;
}

/* Who listens is known by its port: the address may be any of the machine's. Other families share one object. */
static uint64_t listener_key(const struct sockaddr *a)
{
	const struct sockaddr_in *v4 = (const void *)a;
	const struct sockaddr_in6 *v6 = (const void *)a;

	if (a->sa_family == AF_INET)
		return KEY | mix(4, v4->sin_port);
	if (a->sa_family == AF_INET6)
		return KEY | mix(4, v6->sin6_port);
	return ANY_SOCKET;
}

void gosan_fd_connecting(const struct sockaddr *to)
{
	if (to)
		order_key(GOSAN_EV_HB_RELEASE, listener_key(to));
}

void gosan_fd_accepted(int listener)
{
	struct sockaddr_storage here;
	socklen_t n = sizeof(here);
	int saved = errno;

	memset(&here, 0, sizeof(here));
	if (gosan_module_any_instrumented() && getsockname(listener, (struct sockaddr *)&here, &n) == 0)
		order_key(GOSAN_EV_HB_ACQUIRE, listener_key((const struct sockaddr *)&here));
	errno = saved;
}

void gosan_fd_release(int fd)
{
	order(GOSAN_EV_HB_RELEASE, fd);
}

void gosan_fd_acquire(int fd)
{
	order(GOSAN_EV_HB_ACQUIRE, fd);
}
