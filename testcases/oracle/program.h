/* SPDX-License-Identifier: Apache-2.0
 *
 * program.h: a random concurrent program that already ran: the sequence of what its goroutines did, in the
 * order in which it happened. Every sequence is one that a correct runtime can produce. Knows nothing of the
 * detector.
 */
#ifndef ORACLE_PROGRAM_H
#define ORACLE_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAX_STEPS 640
#define MAX_GS    96
#define MAX_OBJS  20
#define MEMORY    48

enum kind {
	SPAWN,
	START,
	END,
	JOIN,
	SEND,
	RECV,
	PAIR_SEND,
	PAIR_RECV,
	CLOSE,
	RECV_CLOSED,
	LOCK,
	UNLOCK,
	RLOCK,
	RUNLOCK,
	ADD,
	DONE,
	WAITED,
	ONCE_DONE,
	ONCE_RETURN,
	RELEASE,
	STORE,
	ACQUIRE,
	ARM,
	FIRE,
	POST,
	TAKEN,
	ARRIVE,
	PASSED,
	C_LOAD, /* of a C11 atomic */
	C_STORE,
	C_RMW,
	FENCE,
	ACCESS,
	KINDS
};

enum role { GOROUTINE, THREAD, SYSTEM };
enum obj_kind { CHAN, MUTEX, RWMUTEX, WAITGROUP, ONCE, ATOMIC, SEM, BARRIER, CELL, TIMER };

struct step {
	enum kind kind;
	int g, peer, obj;
	size_t k;            /* SEND, RECV: how many came before on this channel; ARRIVE, PASSED: the round */
	unsigned addr, size; /* ACCESS */
	bool write, atomic;
	bool acq, rel; /* C_LOAD, C_STORE, C_RMW, FENCE: the memory order */
};

struct program {
	uint64_t seed;
	int n_gs, n_objs, n;
	enum role role[MAX_GS];
	enum obj_kind obj[MAX_OBJS];
	size_t cap[MAX_OBJS]; /* of a channel; the parties of a barrier */
	struct step step[MAX_STEPS];
};

void program_generate(struct program *p, uint64_t seed);
void program_print(const struct program *p, int upto);

#endif
