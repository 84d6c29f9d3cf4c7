/* SPDX-License-Identifier: Apache-2.0
 *
 * x86-64 System V: the context switch of the runtime, with call frame information, so that debuggers
 * and unwinders walk parked goroutines and stop at the entry.
 *
 * A stopped context is its stack pointer. From there upwards:
 *     mxcsr (4), x87 control word (2), pad (2), r15, r14, r13, r12, rbx, rbp, return address
 * The return predictor holds for a call of this function what the compiler placed behind it. Nearly all
 * switches are made by one call (go__stop in park.c), so that ret goes where it expects.
 *
 * Rounding modes and exception masks are callee-saved by the ABI. They hardly ever differ between two
 * contexts, so they are compared first: loading them costs more than the rest of the switch.
 */
	.text

/* void go__switch(void **save, void *load) */
	.globl	go__switch
	.hidden	go__switch
	.type	go__switch, @function
	.p2align 4
go__switch:
	.cfi_startproc
	pushq	%rbp
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset rbp, 0
	pushq	%rbx
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset rbx, 0
	pushq	%r12
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r12, 0
	pushq	%r13
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r13, 0
	pushq	%r14
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r14, 0
	pushq	%r15
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r15, 0
	subq	$8, %rsp
	.cfi_adjust_cfa_offset 8
	stmxcsr	(%rsp)
	fnstcw	4(%rsp)
	movl	(%rsp), %eax
	movzwl	4(%rsp), %edx
	movq	%rsp, (%rdi)
	/* The other context has the same frame: the same rules hold from here on. */
	movq	%rsi, %rsp
	cmpl	(%rsp), %eax
	jne	2f
	cmpw	4(%rsp), %dx
	jne	3f
	.cfi_remember_state
1:	addq	$8, %rsp
	.cfi_adjust_cfa_offset -8
	popq	%r15
	.cfi_adjust_cfa_offset -8
	.cfi_restore r15
	popq	%r14
	.cfi_adjust_cfa_offset -8
	.cfi_restore r14
	popq	%r13
	.cfi_adjust_cfa_offset -8
	.cfi_restore r13
	popq	%r12
	.cfi_adjust_cfa_offset -8
	.cfi_restore r12
	popq	%rbx
	.cfi_adjust_cfa_offset -8
	.cfi_restore rbx
	popq	%rbp
	.cfi_adjust_cfa_offset -8
	.cfi_restore rbp
	ret
	.cfi_restore_state
2:	ldmxcsr	(%rsp)
3:	fldcw	4(%rsp)
	jmp	1b
	.cfi_endproc
	.size	go__switch, . - go__switch

/* The first frame of a goroutine: where its unwinding ends. */
	.type	entry, @function
	.p2align 4
entry:
	.cfi_startproc
	.cfi_undefined rip
	xorl	%ebp, %ebp
	/* Room that no C frame uses: an ending goroutine builds its successor's first frame here. */
	subq	$512, %rsp
	call	go__entry
	ud2
	.cfi_endproc
	.size	entry, . - entry

/* void *go__stack_init(void *top): top is 16-byte aligned */
	.globl	go__stack_init
	.hidden	go__stack_init
	.type	go__stack_init, @function
	.p2align 4
go__stack_init:
	.cfi_startproc
	leaq	-80(%rdi), %rax
	stmxcsr	(%rax)
	fnstcw	4(%rax)
	movq	$0, 8(%rax)
	movq	$0, 16(%rax)
	movq	$0, 24(%rax)
	movq	$0, 32(%rax)
	movq	$0, 40(%rax)
	movq	$0, 48(%rax)
	leaq	entry(%rip), %rdx
	movq	%rdx, 56(%rax)
	movq	$0, 64(%rax)
	movq	$0, 72(%rax)
	ret
	.cfi_endproc
	.size	go__stack_init, . - go__stack_init

	.section .note.GNU-stack, "", @progbits
