/* SPDX-License-Identifier: Apache-2.0
 *
 * AArch64 AAPCS64: the context switch of the runtime, with call frame information.
 *
 * A stopped context is its stack pointer. From there upwards: x19 .. x28, x29, x30, d8 .. d15, fpcr, pad.
 */
	.text

/* void go__switch(void **save, void *load) */
	.globl	go__switch
	.hidden	go__switch
	.type	go__switch, %function
	.p2align 4
go__switch:
	.cfi_startproc
	sub	sp, sp, #176
	.cfi_adjust_cfa_offset 176
	stp	x19, x20, [sp, #0]
	.cfi_rel_offset x19, 0
	.cfi_rel_offset x20, 8
	stp	x21, x22, [sp, #16]
	.cfi_rel_offset x21, 16
	.cfi_rel_offset x22, 24
	stp	x23, x24, [sp, #32]
	.cfi_rel_offset x23, 32
	.cfi_rel_offset x24, 40
	stp	x25, x26, [sp, #48]
	.cfi_rel_offset x25, 48
	.cfi_rel_offset x26, 56
	stp	x27, x28, [sp, #64]
	.cfi_rel_offset x27, 64
	.cfi_rel_offset x28, 72
	stp	x29, x30, [sp, #80]
	.cfi_rel_offset x29, 80
	.cfi_rel_offset x30, 88
	stp	d8, d9, [sp, #96]
	stp	d10, d11, [sp, #112]
	stp	d12, d13, [sp, #128]
	stp	d14, d15, [sp, #144]
	mrs	x9, fpcr
	str	x9, [sp, #160]
	mov	x10, sp
	str	x10, [x0]
	/* The other context has the same frame: the same rules hold from here on. */
	mov	sp, x1
	ldr	x10, [sp, #160]
	cmp	x9, x10
	b.eq	1f
	msr	fpcr, x10
1:	ldp	x19, x20, [sp, #0]
	ldp	x21, x22, [sp, #16]
	ldp	x23, x24, [sp, #32]
	ldp	x25, x26, [sp, #48]
	ldp	x27, x28, [sp, #64]
	ldp	x29, x30, [sp, #80]
	ldp	d8, d9, [sp, #96]
	ldp	d10, d11, [sp, #112]
	ldp	d12, d13, [sp, #128]
	ldp	d14, d15, [sp, #144]
	add	sp, sp, #176
	.cfi_adjust_cfa_offset -176
	.cfi_restore x19
	.cfi_restore x20
	.cfi_restore x21
	.cfi_restore x22
	.cfi_restore x23
	.cfi_restore x24
	.cfi_restore x25
	.cfi_restore x26
	.cfi_restore x27
	.cfi_restore x28
	.cfi_restore x29
	.cfi_restore x30
	/* Nearly all switches are made by one call, so the return predictor guesses right. */
	ret
	.cfi_endproc
	.size	go__switch, . - go__switch

/* The first frame of a goroutine: where its unwinding ends. */
	.type	entry, %function
	.p2align 4
entry:
	.cfi_startproc
	.cfi_undefined x30
	mov	x29, xzr
	/* Room that no C frame uses: an ending goroutine builds its successor's first frame here. */
	sub	sp, sp, #512
	bl	go__entry
	brk	#0
	.cfi_endproc
	.size	entry, . - entry

/* void *go__stack_init(void *top): top is 16-byte aligned */
	.globl	go__stack_init
	.hidden	go__stack_init
	.type	go__stack_init, %function
	.p2align 4
go__stack_init:
	.cfi_startproc
	sub	x0, x0, #176
	mov	x9, #0
2:	str	xzr, [x0, x9]
	add	x9, x9, #8
	cmp	x9, #176
	b.ne	2b
	adr	x9, entry
	str	x9, [x0, #88]
	mrs	x9, fpcr
	str	x9, [x0, #160]
	ret
	.cfi_endproc
	.size	go__stack_init, . - go__stack_init

	.section .note.GNU-stack, "", %progbits
