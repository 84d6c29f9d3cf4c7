// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
/* The program's own signal handler runs on whatever goroutine is there. */
#include <goroutine.h>
#include <signal.h>

static volatile sig_atomic_t hits;

static void on_alarm(int sig)
{
	(void)sig;
	hits++;
}

static void spin(go_chan(int) done)
{
	for (int i = 0; i < 1000; i++)
		go_yield();
	go_send(done, 1);
}

int main(void)
{
	go_chan(int) done = go_make(int, 0);

	signal(SIGUSR1, on_alarm);
	go(spin, done);
	for (int i = 0; i < 20; i++)
		raise(SIGUSR1);
	go_recv(done);
	return hits != 20;
}
