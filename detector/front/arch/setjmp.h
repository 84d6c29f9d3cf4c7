/* SPDX-License-Identifier: Apache-2.0
 *
 * setjmp.h: SETJMP_WRAPPER(name, index): a function `name` that calls gosan_longjmp_saved(env, index), then
 * jumps to the address that it returned, with arguments and stack as they came: the real function must
 * save its caller's frame, not ours. No C compiler can write that.
 */
#ifndef GOSAN_ARCH_SETJMP_H
#define GOSAN_ARCH_SETJMP_H

#if defined(__x86_64__)
#define SETJMP_WRAPPER(name, index) \
	__asm__(".text\n" \
		".globl " #name "\n" \
		".type " #name ", @function\n" #name ":\n" \
		".cfi_startproc\n" \
		"endbr64\n" \
		"push %rdi\n" \
		".cfi_adjust_cfa_offset 8\n" \
		"push %rsi\n" \
		".cfi_adjust_cfa_offset 8\n" \
		"sub $8, %rsp\n" \
		".cfi_adjust_cfa_offset 8\n" \
		"mov $" #index ", %esi\n" \
		"call gosan_longjmp_saved\n" \
		"add $8, %rsp\n" \
		".cfi_adjust_cfa_offset -8\n" \
		"pop %rsi\n" \
		".cfi_adjust_cfa_offset -8\n" \
		"pop %rdi\n" \
		".cfi_adjust_cfa_offset -8\n" \
		"jmp *%rax\n" \
		".cfi_endproc\n" \
		".size " #name ", . - " #name "\n")
#elif defined(__aarch64__)
#define SETJMP_WRAPPER(name, index) \
	__asm__(".text\n" \
		".globl " #name "\n" \
		".type " #name ", %function\n" #name ":\n" \
		".cfi_startproc\n" \
		"stp x0, x1, [sp, #-32]!\n" \
		".cfi_adjust_cfa_offset 32\n" \
		"str x30, [sp, #16]\n" \
		".cfi_rel_offset x30, 16\n" \
		"mov w1, #" #index "\n" \
		"bl gosan_longjmp_saved\n" \
		"mov x16, x0\n" \
		"ldr x30, [sp, #16]\n" \
		".cfi_restore x30\n" \
		"ldp x0, x1, [sp], #32\n" \
		".cfi_adjust_cfa_offset -32\n" \
		"br x16\n" \
		".cfi_endproc\n" \
		".size " #name ", . - " #name "\n")
#endif

#endif
