/* SPDX-License-Identifier: Apache-2.0
 *
 * usdt.h: the probes of probe.h once more, as static tracepoints that bpftrace, perf and SystemTap find in the
 * file: `bpftrace -l 'usdt:libgoroutine.so:*'`, `usdt:libgoroutine.so:goroutine:park { @[arg1] = count(); }`.
 *
 * A point is one nop, and a note (outside of what is loaded) that says where it is, its name, and where its
 * arguments are at that moment; a tracer overwrites the nop. The format is that of SystemTap's sys/sdt.h, note type
 * 3, which is not needed to build. All arguments are 64-bit words: pointers are those of probe.h.
 *
 * A point may have a semaphore, which tracers count up while they are attached. lock_acquire and lock_release have
 * one, go_watched_, for programs lock and unlock a free go_mutex where they stand, without coming by these points:
 * see goroutine.h. A tracer that does not know of semaphores (ftrace's uprobe_events without the reference) sees
 * only the locks that somebody had to wait for, and those of code that always calls.
 */
#ifndef GO_USDT_H
#define GO_USDT_H

#include <stdint.h>

/* The base is a byte in a section of its own, by which tracers undo prelinking. The semaphore of a point is the
 * symbol go__usdt_NAME, 0 where nobody defines it (probe.c defines two). */
#define GO_USDT_NOTE(name, args) \
	"990:\tnop\n" \
	"\t.pushsection .note.stapsdt,\"\",\"note\"\n" \
	"\t.balign 4\n" \
	"\t.4byte 992f-991f, 994f-993f, 3\n" \
	"991:\t.asciz \"stapsdt\"\n" \
	"992:\t.balign 4\n" \
	"993:\t.8byte 990b\n" \
	"\t.8byte _.stapsdt.base\n" \
	"\t.weak go__usdt_" name "\n" \
	"\t.hidden go__usdt_" name "\n" \
	"\t.8byte go__usdt_" name "\n" \
	"\t.asciz \"goroutine\"\n" \
	"\t.asciz \"" name "\"\n" \
	"\t.asciz \"" args "\"\n" \
	"994:\t.balign 4\n" \
	"\t.popsection\n" \
	"\t.ifndef _.stapsdt.base\n" \
	"\t.pushsection .stapsdt.base,\"aG\",\"progbits\",.stapsdt.base,comdat\n" \
	"\t.weak _.stapsdt.base\n" \
	"\t.hidden _.stapsdt.base\n" \
	"_.stapsdt.base:\t.space 1\n" \
	"\t.size _.stapsdt.base, 1\n" \
	"\t.popsection\n" \
	"\t.endif\n"

/* A constant, a register, or memory: whatever costs no instruction. */
#define GO_USDT_IN(a) "nor"((uintptr_t)(a))

#define GO_USDT_0(name)    __asm__ __inline__ volatile(GO_USDT_NOTE(#name, "")::)
#define GO_USDT_1(name, a) __asm__ __inline__ volatile(GO_USDT_NOTE(#name, "8@%0")::GO_USDT_IN(a))
#define GO_USDT_2(name, a, b) \
	__asm__ __inline__ volatile(GO_USDT_NOTE(#name, "8@%0 8@%1")::GO_USDT_IN(a), GO_USDT_IN(b))
#define GO_USDT_3(name, a, b, c) \
	__asm__ __inline__ volatile(GO_USDT_NOTE(#name, "8@%0 8@%1 8@%2")::GO_USDT_IN(a), GO_USDT_IN(b), \
				    GO_USDT_IN(c))
#define GO_USDT_4(name, a, b, c, d) \
	__asm__ __inline__ volatile(GO_USDT_NOTE(#name, "8@%0 8@%1 8@%2 8@%3")::GO_USDT_IN(a), \
				    GO_USDT_IN(b), GO_USDT_IN(c), GO_USDT_IN(d))

/* GO_USDT(name, args...): none to four of them. */
#define GO_USDT(name, ...)                      GO_USDT_PICK_(name, ##__VA_ARGS__, 4, 3, 2, 1, 0)(name, ##__VA_ARGS__)
#define GO_USDT_PICK_(name, a, b, c, d, n, ...) GO_USDT_CAT_(GO_USDT_, n)
#define GO_USDT_CAT_(a, b)                      GO_USDT_CAT__(a, b)
#define GO_USDT_CAT__(a, b)                     a##b

#endif
