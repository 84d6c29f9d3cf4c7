/* SPDX-License-Identifier: Apache-2.0
 *
 * cfi.h: how to leave a frame: where the caller's stack pointer and frame pointer are, for one program counter.
 * Knows the DWARF call frame information of loaded modules (.eh_frame); knows no stack and reads none.
 *
 * A rule is worked out once per program counter and kept in a small table, so that a step costs a look-up. What
 * compilers emit for C and C++ is understood; anything else is GOSAN_CFI_STRANGE, and its stack is libunwind's work.
 * Context: any thread, any signal handler: no lock is taken, nothing allocated, no system call made.
 */
#ifndef GOSAN_CFI_H
#define GOSAN_CFI_H

#include <stdbool.h>
#include <stdint.h>

enum gosan_cfi_kind {
	GOSAN_CFI_NOWHERE,  /* no module holds the address: code that was made at run time */
	GOSAN_CFI_BARE,     /* a module's, without a description */
	GOSAN_CFI_STRANGE,  /* its description is not understood */
	GOSAN_CFI_SP,       /* CFA = sp + cfa */
	GOSAN_CFI_FP,       /* CFA = fp + cfa */
	GOSAN_CFI_FP_DEREF, /* CFA = word at fp + cfa: a stack that was aligned anew */
	GOSAN_CFI_SIGNAL,   /* the kernel's frame below a signal handler: its record is at sp */
	GOSAN_CFI_END,      /* nobody called this function */
};

enum gosan_cfi_fp {
	GOSAN_CFI_SAME,   /* the caller's frame pointer is this one's */
	GOSAN_CFI_AT_CFA, /* it was saved at CFA + fp */
	GOSAN_CFI_AT_FP,  /* it was saved at the present frame pointer + fp */
};

/* The CFA (canonical frame address) is the caller's stack pointer; the return address is the word below it. */
struct gosan_cfi {
	enum gosan_cfi_kind kind;
	enum gosan_cfi_fp saved;
	int32_t cfa, fp;
};

/* pc: an address inside the instruction that is being executed; for a caller, its return address less one. */
struct gosan_cfi gosan_cfi_rule(uintptr_t pc);
/* Finds the dynamic linker's index of modules. False: this libc has none (before glibc 2.35), or this processor's
 * registers are not known here; then there are no rules. */
bool gosan_cfi_init(void);
/* A module was unloaded: another one may come to lie there. */
void gosan_cfi_forget(void);

#endif
