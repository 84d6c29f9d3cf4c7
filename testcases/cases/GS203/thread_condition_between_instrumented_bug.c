// SPDX-License-Identifier: Apache-2.0
// EXPECT: GS203 lock-order
// RUNTIME: none
// PROCS: 1
// GRADE: possible
// FUNCTIONS: first second
// FINDINGS: 1
/* The same with accesses that are watched, so that each operation is told at once. */
#include "thread_condition_between_bug.c"
