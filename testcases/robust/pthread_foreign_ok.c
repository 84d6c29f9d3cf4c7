// SPDX-License-Identifier: Apache-2.0
// EXPECT: clean
// RUNTIME: none
// INSTRUMENT: no
// LIBS: rt
/* Threads that nobody created by pthread_create (a timer's), and a signal handler that posts: whoever waits for them is
 * not stuck, although every thread that the detector knows is blocked. */
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static sem_t sem;
static int fired;

static void by_thread(union sigval v)
{
	pthread_mutex_lock(&mu);
	fired += v.sival_int;
	pthread_cond_signal(&cond);
	pthread_mutex_unlock(&mu);
}

static void by_handler(int sig)
{
	(void)sig;
	sem_post(&sem);
}

int main(void)
{
	struct sigevent ev;
	struct itimerspec soon = {{0, 0}, {0, 50000000}};
	struct itimerval alarm = {{0, 0}, {0, 50000}};
	struct sigaction act;
	timer_t timer;
	int rc;

	memset(&ev, 0, sizeof ev);
	ev.sigev_notify = SIGEV_THREAD;
	ev.sigev_notify_function = by_thread;
	ev.sigev_value.sival_int = 5;
	if (timer_create(CLOCK_MONOTONIC, &ev, &timer) || timer_settime(timer, 0, &soon, NULL))
		return 1;
	pthread_mutex_lock(&mu);
	while (!fired)
		pthread_cond_wait(&cond, &mu);
	pthread_mutex_unlock(&mu);

	sem_init(&sem, 0, 0);
	memset(&act, 0, sizeof act);
	act.sa_handler = by_handler;
	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &alarm, NULL);
	do
		rc = sem_wait(&sem);
	while (rc);
	return fired != 5;
}
