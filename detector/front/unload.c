/* SPDX-License-Identifier: Apache-2.0
 *
 * unload.c: a module leaves. What is remembered by addresses of its code would be wrong for the next one there.
 */
#include "intercept.h"

#include "../cfi.h"
#include "../depot.h"

#include <dlfcn.h>

/* After the real call: while it runs, the module's destructors still synchronise. */
GOSAN_EXPORT int dlclose(void *module)
{
	int rc = GOSAN_REAL(dlclose)(module);

	gosan_cfi_forget();
	gosan_unwind_forget();
	return rc;
}
