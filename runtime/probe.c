/* SPDX-License-Identifier: Apache-2.0
 *
 * probe.c: attaching a watcher.
 */
#include "scheduler.h"

#include <errno.h>

const struct go_probes *go_probe_table;
__attribute__((visibility("default"))) _Atomic unsigned go_probe_threads;

__attribute__((visibility("default"))) int go_probe_attach(const struct go_probes *table)
{
	if (table == NULL || table->version != GO_PROBE_VERSION || table->size != sizeof(*table))
		return -EINVAL;
	if (atomic_load(&go__sched.n_ps) > 0)
		return -EBUSY;
	go_probe_table = table;
	return 0;
}
