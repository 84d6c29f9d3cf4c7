// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// RUNTIME: none
// EXPECT-OUTPUT: ordered
// | handled, told its own handlers
/* What was done before a handler was installed, or before a signal was sent, is known to it; asking for the present
 * action gives the program's own. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static int before_install, before_raise, sum;
static atomic_int alarms;
static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;

static void plain(int sig)
{
	sum += before_install + before_raise + sig - SIGUSR1;
}

static void with_info(int sig, siginfo_t *info, void *context)
{
	(void)context;
	alarms += info->si_signo == sig;
}

static void *worker(void *arg)
{
	pthread_mutex_lock(&mu);
	before_raise = 1;
	pthread_mutex_unlock(&mu);
	return arg;
}

static int install(void)
{
	struct sigaction act, old;

	before_install = 3;
	memset(&act, 0, sizeof act);
	act.sa_handler = plain;
	act.sa_flags = SA_RESTART;
	if (sigaction(SIGUSR1, &act, NULL) || sigaction(SIGUSR1, NULL, &old))
		return 1;
	if (old.sa_handler != plain || old.sa_flags & SA_SIGINFO)
		return 1;
	if (sigaction(SIGTERM, NULL, &old) || old.sa_handler != SIG_DFL)
		return 1;
	if (signal(SIGUSR2, plain) != SIG_DFL || signal(SIGUSR2, SIG_IGN) != plain)
		return 1;
	memset(&act, 0, sizeof act);
	act.sa_sigaction = with_info;
	act.sa_flags = SA_SIGINFO | SA_RESTART;
	return sigaction(SIGALRM, &act, &old) || old.sa_handler != SIG_DFL;
}

int main(void)
{
	pthread_t t;
	int failed;

	pthread_create(&t, NULL, worker, NULL);
	pthread_join(t, NULL);
	failed = install();
	before_raise = 4;
	raise(SIGUSR1);
	failed += sum != 7;
	raise(SIGALRM);
	failed += alarms != 1;
	if (!failed)
		printf("handled, told its own handlers\n");
	return failed;
}
