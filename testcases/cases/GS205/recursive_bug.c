// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS205 recursive-rlock
// OBJECT: rw
// GRADE: possible
// FUNCTIONS: total writer
/* A reader calls another reader; a writer that queues in between stops both for ever. The gate keeps the
 * writer away in this run. */
#include "../../gate.h"

static go_rwmutex rw;
static int values[2];
static volatile int read_done;

static __attribute__((noinline)) int get(int i)
{
	go_rwmutex_rlock(&rw);
	int v = values[i];
	go_rwmutex_runlock(&rw);
	return v;
}

static void total(go_chan(int) out)
{
	go_rwmutex_rlock(&rw);
	int sum = get(0) + get(1);
	go_rwmutex_runlock(&rw);
	gate_open(&read_done);
	go_send(out, sum);
}

static void writer(go_chan(int) out)
{
	gate_wait(&read_done);
	go_rwmutex_lock(&rw);
	values[0]++;
	go_rwmutex_unlock(&rw);
	go_send(out, 0);
}

int main(void)
{
	go_chan(int) out = go_make(int, 2);

	go(total, out);
	go(writer, out);
	go_recv(out);
	go_recv(out);
}
