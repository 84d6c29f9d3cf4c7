// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// RUNTIME: none
/* What is registered with epoll is handed over by it: the worker gets the pointer, and closes what is behind it. */
#define GATE_THREADS
#include "../../gate.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

struct connection {
	int fd, served;
};

static int ep;

static void *worker(void *arg)
{
	struct epoll_event ev;
	struct connection *c;

	while (epoll_wait(ep, &ev, 1, -1) != 1)
		;
	c = ev.data.ptr;
	c->served++;
	close(c->fd);
	free(c);
	return arg;
}

int main(void)
{
	struct connection *c;
	struct epoll_event ev = {.events = EPOLLIN};
	pthread_t t;

	ep = epoll_create1(0);
	pthread_create(&t, NULL, worker, NULL);
	c = malloc(sizeof *c);
	c->served = 0;
	c->fd = eventfd(1, 0);
	ev.data.ptr = c;
	if (epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &ev) != 0)
		return 3;
	pthread_join(t, NULL);
	return close(ep);
}
