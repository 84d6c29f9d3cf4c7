// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// RUNTIME: none
/* Objects of the kernel order threads of one process, too: System V's semaphores and messages, message queues, locks on
 * files that are given back, or closed. */
#define GATE_THREADS
#include "../../gate.h"

#include <fcntl.h>
#include <mqueue.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>

static struct message {
	long type;
	char text[4];
} empty = {1, "x"};
static int set, messages, counter[4];
static mqd_t queue = (mqd_t)-1;
static char path[] = "/tmp/gosan-ipc-XXXXXX";

static void add(int op)
{
	struct sembuf s = {0, (short)op, 0};

	if (semop(set, &s, 1) != 0)
		_exit(3);
}

/* Each thread locks by a descriptor of its own. */
static void count_in_file(int close_only)
{
	int fd = open(path, O_RDWR);

	if (fd < 0 || flock(fd, LOCK_EX) != 0)
		_exit(3);
	counter[0]++;
	if (!close_only)
		flock(fd, LOCK_UN);
	close(fd);
}

static void *worker(void *arg)
{
	struct message m;
	char text[16];

	count_in_file(0);
	count_in_file(1);
	add(-1);
	counter[1]++;
	add(1);
	if (msgrcv(messages, &m, sizeof m.text, 0, 0) < 0)
		_exit(3);
	counter[2]++;
	if (queue != (mqd_t)-1 && mq_receive(queue, text, sizeof text, NULL) < 0)
		_exit(3);
	counter[3]++;
	return arg;
}

int main(void)
{
	struct mq_attr attr = {.mq_maxmsg = 1, .mq_msgsize = 16};
	pthread_t t;
	int fd = mkstemp(path);

	set = semget(IPC_PRIVATE, 1, 0600);
	messages = msgget(IPC_PRIVATE, 0600);
	if (fd < 0 || set < 0 || messages < 0)
		return 3;
	queue = mq_open("/gosan-ipc", O_CREAT | O_RDWR, 0600, &attr); /* not in every container */
	mq_unlink("/gosan-ipc");
	pthread_create(&t, NULL, worker, NULL);
	count_in_file(1);
	counter[1]++;
	add(1);
	add(-1);
	counter[1]++;
	add(1);
	counter[2]++;
	if (msgsnd(messages, &empty, sizeof empty.text, 0) != 0)
		return 3;
	counter[3]++;
	if (queue != (mqd_t)-1 && mq_send(queue, "x", 1, 0) != 0)
		return 3;
	pthread_join(t, NULL);
	semctl(set, 0, IPC_RMID);
	msgctl(messages, IPC_RMID, NULL);
	unlink(path);
	return close(fd);
}
