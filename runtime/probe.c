/* SPDX-License-Identifier: Apache-2.0
 *
 * probe.c: attaching a watcher.
 */
#include "scheduler.h"

#include <errno.h>

/* As goroutine.h declares it for programs; the runtime's own files see no inline locks. */
extern unsigned short go_watched_;

const struct go_probes *go_probe_table;
__attribute__((visibility("default"))) _Atomic unsigned go_probe_threads;

/* In the file, not in .bss: the kernel finds a tracer's semaphore by its place in the file. The notes name it by
 * aliases that stay at home, also when a program that was not linked as usual has a copy of the variable. */
__attribute__((visibility("default"), section(".probes"))) unsigned short go_watched_;
extern unsigned short go__usdt_lock_acquire __attribute__((alias("go_watched_"), visibility("hidden")));
extern unsigned short go__usdt_lock_release __attribute__((alias("go_watched_"), visibility("hidden")));

__attribute__((visibility("default"))) int go_probe_attach(const struct go_probes *table)
{
	if (table == NULL || table->version != GO_PROBE_VERSION || table->size != sizeof(*table))
		return -EINVAL;
	if (atomic_load(&go__sched.n_ps) > 0)
		return -EBUSY;
	/* Counted as a tracer would be: once, for a watcher never leaves. */
	if (go_probe_table == NULL)
		go_watched_++;
	go_probe_table = table;
	return 0;
}
