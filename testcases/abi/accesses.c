// SPDX-License-Identifier: Apache-2.0
/* Every kind of access that C has, to make a compiler emit every hook that it knows. Prints a sum, which must not
 * depend on who implements the hooks. With -DWIDE also 16-byte atomics. */
#include <complex.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef int vec16 __attribute__((vector_size(16)));
typedef int vec32 __attribute__((vector_size(32)));

struct __attribute__((packed)) packed {
	char c;
	int16_t s;
	int32_t i;
	int64_t l;
	__int128 w;
	long double x;
};
struct bits {
	unsigned a : 3, b : 13, c : 16;
	uint64_t d : 40;
};
struct big {
	char x[100];
};
struct odd {
	char x[3];
};

static char c1;
static short c2;
static int c4;
static long c8;
static __int128 c16;
static float f4;
static double f8;
static long double f10;
static vec16 v16;
static vec32 v32;
static _Complex double complex_sum;
static struct packed packed;
static struct bits bits;
static struct big big, big_copy;
static struct odd odd, odd_copy;
static _Bool flag;
static _Thread_local int local;
static volatile char h1;
static volatile short h2;
static volatile int h4;
static volatile long h8;
static volatile __int128 h16;
static volatile struct bits hbits;

#define CHANGE(x) \
	do { \
		x = x + 1; \
		x += 2; \
		x++; \
	} while (0)

void plain(void);
void plain(void)
{
	CHANGE(c1);
	CHANGE(c2);
	CHANGE(c4);
	CHANGE(c8);
	CHANGE(c16);
	CHANGE(f4);
	CHANGE(f8);
	CHANGE(f10);
	v16 = v16 + 1;
	v32 = v32 + 1;
	complex_sum = complex_sum * 2 + 1;
	CHANGE(bits.a);
	CHANGE(bits.b);
	CHANGE(bits.c);
	CHANGE(bits.d);
	big = big_copy;
	odd = odd_copy;
	flag = !flag;
	CHANGE(local);
}

void unaligned(struct packed *p);
void unaligned(struct packed *p)
{
	CHANGE(p->c);
	CHANGE(p->s);
	CHANGE(p->i);
	CHANGE(p->l);
	CHANGE(p->w);
	CHANGE(p->x);
}

void volatiles(volatile struct packed *p);
void volatiles(volatile struct packed *p)
{
	CHANGE(h1);
	CHANGE(h2);
	CHANGE(h4);
	CHANGE(h8);
	CHANGE(h16);
	CHANGE(hbits.a);
	CHANGE(hbits.d);
	CHANGE(p->s);
	CHANGE(p->i);
	CHANGE(p->l);
	CHANGE(p->w);
}

/* As the library functions, as the operators, as the older builtins. */
#define ATOMICS(bits, T) \
	static _Atomic T a##bits; \
	static T s##bits; \
	static void atomics##bits(void) \
	{ \
		T old = 5; \
\
		atomic_store_explicit(&a##bits, 1, memory_order_relaxed); \
		atomic_fetch_add(&a##bits, 9); \
		atomic_fetch_sub_explicit(&a##bits, 2, memory_order_relaxed); \
		atomic_fetch_and_explicit(&a##bits, 14, memory_order_acquire); \
		atomic_fetch_or_explicit(&a##bits, 33, memory_order_release); \
		atomic_fetch_xor_explicit(&a##bits, 21, memory_order_acq_rel); \
		a##bits++; \
		a##bits *= 3; \
		atomic_compare_exchange_strong(&a##bits, &old, 6); \
		atomic_compare_exchange_strong(&a##bits, &old, 7); \
		atomic_compare_exchange_weak_explicit(&a##bits, &old, 8, memory_order_acq_rel, \
						      memory_order_relaxed); \
		s##bits = atomic_exchange(&a##bits, 11); \
		s##bits += atomic_load_explicit(&a##bits, memory_order_consume); \
		s##bits += __atomic_fetch_nand(&s##bits, 7, __ATOMIC_SEQ_CST); \
		s##bits += __sync_fetch_and_add(&s##bits, 1); \
		s##bits += __sync_nand_and_fetch(&s##bits, 3); \
		s##bits += __sync_bool_compare_and_swap(&s##bits, 1, 2); \
		s##bits += __sync_val_compare_and_swap(&s##bits, s##bits, 2); \
		s##bits += __sync_lock_test_and_set(&s##bits, 3); \
		__sync_lock_release(&s##bits); \
		__sync_synchronize(); \
	}
ATOMICS(8, int8_t)
ATOMICS(16, int16_t)
ATOMICS(32, int32_t)
ATOMICS(64, int64_t)
#ifdef WIDE
ATOMICS(128, __int128)
#endif

static _Atomic struct odd atomic_odd;
static _Atomic float atomic_float;
static atomic_flag one = ATOMIC_FLAG_INIT;

static long atomics(void)
{
	atomics8();
	atomics16();
	atomics32();
	atomics64();
#ifdef WIDE
	atomics128();
#endif
	atomic_store(&atomic_odd, odd);
	atomic_float = atomic_float + 1;
	atomic_thread_fence(memory_order_seq_cst);
	atomic_signal_fence(memory_order_seq_cst);
	return a8 + a16 + a32 + a64 + atomic_flag_test_and_set(&one) + (long)atomic_float;
}

void bulk(char *a, char *b, size_t n);
void bulk(char *a, char *b, size_t n)
{
	memset(b, 1, n);
	memcpy(a, b, 7);
	memcpy(a + 10, b, 256);
	memmove(a + 1, a, n);
	memset(a + 300, 2, 64);
}

int sum(int *a, const int *b, int n);
int sum(int *a, const int *b, int n)
{
	int total = 0;

	for (int i = 0; i < n; i++) {
		a[i] += b[i];
		total += a[i];
	}
	return total;
}

int main(void)
{
	char a[1024] = "", b[1024];
	int x[100] = {1, 2, 3}, y[100] = {4, 5, 6};
	long total = atomics();

	plain();
	unaligned(&packed);
	volatiles(&packed);
	bulk(a, b, 500);
	for (size_t i = 0; i < sizeof a; i++)
		total += a[i];
	total += sum(x, y, 100) + c1 + c2 + c4 + c8 + (long)c16 + (long)f4 + (long)f8 + (long)f10 + v16[0] +
		 v32[7] + (long)creal(complex_sum) + bits.a + bits.b + bits.c + (long)bits.d + big.x[0] +
		 odd.x[0] + flag + local + packed.i + (long)packed.l + (long)packed.w + (long)packed.x + h1 +
		 h2 + h4 + h8 + (long)h16 + hbits.a;
	printf("%ld\n", total);
}
