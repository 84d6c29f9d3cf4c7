// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS601 unlock-of-unlocked
// RUNTIME: none
// FINDINGS: 2
// GRADE: proved
/* A lock of the program's own is announced as given back, which nobody took; another as given back by a reader, by the
 * thread that has it for writing. */
#include "annotate.h"

static struct spin a, b;

static void wrong_mode(void)
{
	AnnotateRWLockAcquired(__FILE__, __LINE__, &b, 1);
	AnnotateRWLockReleased(__FILE__, __LINE__, &b, 0);
}

int main(void)
{
	AnnotateRWLockReleased(__FILE__, __LINE__, &a, 1);
	wrong_mode();
	return 0;
}
