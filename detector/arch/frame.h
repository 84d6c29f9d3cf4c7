/* SPDX-License-Identifier: Apache-2.0
 *
 * frame.h: what a frame looks like on this processor: the numbers of its registers in DWARF, and where the kernel
 * keeps them below a signal handler. A processor that is not described here has no rules (cfi.h): libunwind walks.
 */
#ifndef GOSAN_ARCH_FRAME_H
#define GOSAN_ARCH_FRAME_H

#include <stdint.h>
#include <ucontext.h>

#if defined(__x86_64__)
/* System V ABI, AMD64 supplement, figure 3.36. The return address lies below the CFA. */
#define ARCH_FRAME_KNOWN true
#define ARCH_REG_FP      6
#define ARCH_REG_SP      7
#define ARCH_REG_RA      16
#define ARCH_UC_PC(uc)   ((uintptr_t)(uc)->uc_mcontext.gregs[REG_RIP])
#define ARCH_UC_SP(uc)   ((uintptr_t)(uc)->uc_mcontext.gregs[REG_RSP])
#define ARCH_UC_FP(uc)   ((uintptr_t)(uc)->uc_mcontext.gregs[REG_RBP])
#else
#define ARCH_FRAME_KNOWN false
#define ARCH_REG_FP      0
#define ARCH_REG_SP      0
#define ARCH_REG_RA      0
#define ARCH_UC_PC(uc)   ((void)(uc), (uintptr_t)0)
#define ARCH_UC_SP(uc)   ((void)(uc), (uintptr_t)0)
#define ARCH_UC_FP(uc)   ((void)(uc), (uintptr_t)0)
#endif

#endif
