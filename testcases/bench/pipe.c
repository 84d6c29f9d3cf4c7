/* SPDX-License-Identifier: Apache-2.0
 * pipe.c: three stages of threads, a queue with a mutex and two conditions between each: loops over bytes. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { BLOCK = 4096, SLOTS = 8, BLOCKS = 3000 };

struct queue {
	pthread_mutex_t mu;
	pthread_cond_t more, room;
	unsigned head, tail;
	unsigned char block[SLOTS][BLOCK];
};
static struct queue first = {
	.mu = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER, .room = PTHREAD_COND_INITIALIZER};
static struct queue second = {
	.mu = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER, .room = PTHREAD_COND_INITIALIZER};

static unsigned char *room_in(struct queue *q)
{
	pthread_mutex_lock(&q->mu);
	while (q->head - q->tail == SLOTS)
		pthread_cond_wait(&q->room, &q->mu);
	pthread_mutex_unlock(&q->mu);
	return q->block[q->head % SLOTS];
}

static void filled(struct queue *q)
{
	pthread_mutex_lock(&q->mu);
	q->head++;
	pthread_cond_signal(&q->more);
	pthread_mutex_unlock(&q->mu);
}

static const unsigned char *next_of(struct queue *q)
{
	pthread_mutex_lock(&q->mu);
	while (q->head == q->tail)
		pthread_cond_wait(&q->more, &q->mu);
	pthread_mutex_unlock(&q->mu);
	return q->block[q->tail % SLOTS];
}

static void emptied(struct queue *q)
{
	pthread_mutex_lock(&q->mu);
	q->tail++;
	pthread_cond_signal(&q->room);
	pthread_mutex_unlock(&q->mu);
}

static void *produce(void *arg)
{
	for (int i = 0; i < BLOCKS; i++) {
		unsigned char *to = room_in(&first);
		for (int j = 0; j < BLOCK; j++)
			to[j] = (unsigned char)(i * 31 + j * 7);
		filled(&first);
	}
	return arg;
}

static void *change(void *arg)
{
	for (int i = 0; i < BLOCKS; i++) {
		const unsigned char *from = next_of(&first);
		unsigned char *to = room_in(&second);
		for (int j = 0; j < BLOCK; j++)
			to[j] = (unsigned char)(from[j] ^ (from[j] >> 3));
		emptied(&first);
		filled(&second);
	}
	return arg;
}

int main(void)
{
	pthread_t thread[2];
	unsigned long sum = 0;

	pthread_create(&thread[0], NULL, produce, NULL);
	pthread_create(&thread[1], NULL, change, NULL);
	for (int i = 0; i < BLOCKS; i++) {
		const unsigned char *from = next_of(&second);
		for (int j = 0; j < BLOCK; j++)
			sum = sum * 31 + from[j];
		emptied(&second);
	}
	for (int t = 0; t < 2; t++)
		pthread_join(thread[t], NULL);
	printf("%lu\n", sum);
	return 0;
}
