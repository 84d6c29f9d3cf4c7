/* SPDX-License-Identifier: Apache-2.0
 *
 * module.c: the table of loaded modules.
 *
 * Invariant: `table` points to an immutable array sorted by start, without overlaps. A refresh builds a
 * new one under `lock` and publishes it with a release store; old arrays are never freed, because
 * look-ups and findings hold pointers into them. Modules come and go rarely, so the waste is small.
 */
#include "module.h"
#include "recorder.h"

#include "access.h"
#include "mem.h"
#include "ownrt.h"

#include <elf.h>
#include <errno.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct table {
	size_t n;
	struct gosan_module m[];
};

/* What one pass of dl_iterate_phdr collects. */
struct scan {
	struct table *t;
	size_t room, n;
};

static struct table *table;
static unsigned long long loads_seen;
bool gosan_module_instrumented;
bool gosan_module_go;
static char lock;
static bool is_recorded; /* the table is another process' */

static const char *const libc_names[] = {"libc.so",    "libc-",      "libm.so",  "libpthread",
					 "libdl.so",   "librt.so",   "ld-linux", "ld-",
					 "linux-vdso", "linux-gate", NULL};
static const char *const own_names[] = {"libgosan", "libgoroutine", "libunwind", NULL};

/* libgen's basename may write to its argument. */
static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool starts_with_any(const char *name, const char *const *list)
{
	for (; *list; list++)
		if (strncmp(name, *list, strlen(*list)) == 0)
			return true;
	return false;
}

/* By name, because nothing else is known before the module's symbols are read; a program that is installed
 * under /usr/bin is a PROGRAM, its private library under /usr/lib is not. */
static enum gosan_module_kind kind_of(const char *path)
{
	static const char *const dirs[] = {"/lib/", "/lib64/", "/usr/lib/", "/usr/lib64/", NULL};
	const char *name = base_name(path);

	if (starts_with_any(name, own_names))
		return GOSAN_MODULE_OWN;
	if (starts_with_any(name, libc_names))
		return GOSAN_MODULE_LIBC;
	return starts_with_any(path, dirs) ? GOSAN_MODULE_SYSTEM : GOSAN_MODULE_PROGRAM;
}

/* Paths outlive the linker's own record of a module. */
static const char *keep(const char *s)
{
	size_t n = strlen(s) + 1;
	char *copy = gosan_mem_alloc(n);

	return copy ? memcpy(copy, s, n) : "";
}

/* The executable has an empty name in the linker's list. */
static const char *path_of(const struct dl_phdr_info *info)
{
	char exe[4096];
	ssize_t n;

	if (info->dlpi_name && info->dlpi_name[0])
		return keep(info->dlpi_name);
	n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	if (n < 0)
		return "";
	exe[n] = 0;
	return keep(exe);
}

/* NT_GNU_BUILD_ID in a PT_NOTE segment (gABI: name and descriptor are padded to 4). */
static void build_id_of(struct gosan_module *m, const char *note, size_t size)
{
	static const char digit[] = "0123456789abcdef";
	const char *end = note + size;

	while (note + sizeof(ElfW(Nhdr)) <= end) {
		const ElfW(Nhdr) *h = (const void *)note;
		const unsigned char *desc =
			(const unsigned char *)note + sizeof(*h) + ((h->n_namesz + 3u) & ~3u);

		if (h->n_type == NT_GNU_BUILD_ID && h->n_namesz == 4 && h->n_descsz <= GOSAN_BUILD_ID_MAX) {
			for (size_t i = 0; i < h->n_descsz; i++) {
				m->build_id[2 * i] = digit[desc[i] >> 4];
				m->build_id[2 * i + 1] = digit[desc[i] & 15];
			}
			return;
		}
		note = (const char *)desc + ((h->n_descsz + 3u) & ~3u);
	}
}

/* Number of entries of the dynamic symbol table, from the GNU hash table (which does not store it). */
static size_t gnu_hash_symbols(const uint32_t *h)
{
	const uint32_t n_buckets = h[0], first = h[1], n_bloom = h[2];
	const uint32_t *buckets = (const uint32_t *)((const ElfW(Addr) *)(h + 4) + n_bloom);
	const uint32_t *chain = buckets + n_buckets;
	uint32_t last = 0;

	for (uint32_t i = 0; i < n_buckets; i++)
		if (buckets[i] > last)
			last = buckets[i];
	if (last < first)
		return first;
	while (!(chain[last - first] & 1))
		last++;
	return last + 1;
}

/* One past the highest symbol that a relocation names. A program that exports nothing has an empty GNU hash table,
 * whose numbers then say nothing of the symbols that it imports; but each of those is there for a relocation. */
static size_t relocated_symbols(const ElfW(Rela) * rela, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; rela && i < size / sizeof(*rela); i++) {
		size_t sym = sizeof(void *) == 8 ? (size_t)(rela[i].r_info >> 32) : rela[i].r_info >> 8;

		n = sym >= n ? sym + 1 : n;
	}
	return n;
}

static const void *dynamic_pointer(const struct gosan_module *m, ElfW(Addr) v)
{
	return (const void *)(v < m->base ? m->base + v : v); /* the vDSO's are not relocated */
}

/* Undefined __tsan_*: instrumented. Defined: the module carries a sanitizer runtime (clang links it statically)
 * and its own calls never come here. */
static void look_for_hooks(struct gosan_module *m, const ElfW(Sym) * sym, const char *str, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		const char *name = str + sym[i].st_name;

		if (strncmp(name, "__tsan_", 7) != 0)
			continue;
		if (sym[i].st_shndx == SHN_UNDEF)
			m->instrumented = true;
		else if (strcmp(name, "__tsan_read4") == 0)
			m->own_tsan = true;
	}
}

/* Symbols that a module imports are in its dynamic table even when it is stripped. What runs before all
 * constructors is nearly always a sanitizer: then the file itself is asked for a runtime that is not exported. */
static void symbols_of(struct gosan_module *m, const ElfW(Dyn) * dyn)
{
	const ElfW(Sym) *sym = NULL;
	const char *str = NULL;
	const void *rela[2] = {NULL, NULL};
	size_t n = 0, size[2] = {0, 0};
	bool preinit = false;

	for (; dyn->d_tag != DT_NULL; dyn++) {
		switch (dyn->d_tag) {
		case DT_SYMTAB:
			sym = dynamic_pointer(m, dyn->d_un.d_ptr);
			break;
		case DT_STRTAB:
			str = dynamic_pointer(m, dyn->d_un.d_ptr);
			break;
		case DT_GNU_HASH:
			n = gnu_hash_symbols(dynamic_pointer(m, dyn->d_un.d_ptr));
			break;
		case DT_HASH:
			n = ((const uint32_t *)dynamic_pointer(m, dyn->d_un.d_ptr))[1];
			break;
		case DT_RELA:
		case DT_JMPREL:
			rela[dyn->d_tag == DT_JMPREL] = dynamic_pointer(m, dyn->d_un.d_ptr);
			break;
		case DT_RELASZ:
		case DT_PLTRELSZ:
			size[dyn->d_tag == DT_PLTRELSZ] = dyn->d_un.d_val;
			break;
		case DT_PREINIT_ARRAY:
			preinit = true;
			break;
		default:
			break;
		}
	}
	for (size_t i = 0; i < 2; i++) {
		size_t named = relocated_symbols(rela[i], size[i]);

		n = named > n ? named : n;
	}
	if (sym && str)
		look_for_hooks(m, sym, str, n);
	if (preinit && !m->instrumented && !m->own_tsan)
		m->own_tsan = gosan_ownrt_at(m->path);
}

/* The library that this file's table lies in is the detector, whatever the library is called. Linked into a program, as
 * the tests of the core are, it is a part of that. */
static bool is_ours(const struct gosan_module *m, const struct dl_phdr_info *info)
{
	uintptr_t here = (uintptr_t)&table;

	return info->dlpi_name && info->dlpi_name[0] && here >= m->start && here < m->end;
}

/* Everything about one module. Runs under the linker's lock, so that the module can't go away meanwhile. */
static void describe(struct gosan_module *m, const struct dl_phdr_info *info)
{
	const ElfW(Dyn) *dyn = NULL;

	m->base = info->dlpi_addr;
	m->start = UINTPTR_MAX;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uintptr_t at = info->dlpi_addr + p->p_vaddr;

		if (p->p_type == PT_LOAD) {
			m->start = at < m->start ? at : m->start;
			m->end = at + p->p_memsz > m->end ? at + p->p_memsz : m->end;
		} else if (p->p_type == PT_DYNAMIC) {
			dyn = (const void *)at;
		} else if (p->p_type == PT_NOTE && !m->build_id[0]) {
			build_id_of(m, (const char *)at, p->p_memsz);
		}
	}
	m->path = path_of(info);
	m->kind = is_ours(m, info) ? GOSAN_MODULE_OWN : kind_of(m->path);
	m->go = strstr(m->path, "/libgo.so") ||
		(m->kind == GOSAN_MODULE_PROGRAM && gosan_ownrt_is_go(m->path));
	if (m->go)
		gosan_module_go = true;
	if (dyn && m->kind != GOSAN_MODULE_OWN && m->kind != GOSAN_MODULE_LIBC)
		symbols_of(m, dyn);
}

/* Binary search; t may be NULL before the first pass. */
static const struct gosan_module *lookup(const struct table *t, uintptr_t addr)
{
	size_t lo = 0, hi = t ? t->n : 0;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (addr >= t->m[mid].end)
			lo = mid + 1;
		else if (addr < t->m[mid].start)
			hi = mid;
		else
			return &t->m[mid];
	}
	return NULL;
}

static int count_modules(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)info;
	(void)size;
	++*(size_t *)arg;
	return 0;
}

/* A module that was not there before lies on memory that may have a past: its globals are new. */
static int collect(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct scan *s = arg;
	struct gosan_module *m = &s->t->m[s->n];
	const struct gosan_module *old;

	(void)size;
	if (s->n == s->room)
		return 1;
	memset(m, 0, sizeof(*m));
	describe(m, info);
	if (m->start >= m->end)
		return 0;
	old = lookup(table, m->start);
	if (old && old->start == m->start && old->end == m->end)
		*m = *old; /* keeps the pointer to the path unique */
	else if (table)
		gosan_access_forget(m->start, m->end - m->start);
	gosan_module_instrumented |= m->instrumented && m->kind != GOSAN_MODULE_OWN;
	s->n++;
	return 0;
}

/* Modules that were unloaded stay, unless their addresses were taken by another. */
static void keep_unloaded(struct scan *s)
{
	size_t loaded = s->n;

	for (size_t i = 0; table && i < table->n && s->n < s->room; i++) {
		const struct gosan_module *old = &table->m[i];
		bool taken = false;

		for (size_t j = 0; j < loaded && !taken; j++)
			taken = s->t->m[j].start < old->end && old->start < s->t->m[j].end;
		if (!taken)
			s->t->m[s->n++] = *old;
	}
}

/* Insertion sort: the linker's list is nearly sorted, and short. */
static void sort(struct gosan_module *m, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct gosan_module key = m[i];
		size_t j = i;

		for (; j > 0 && m[j - 1].start > key.start; j--)
			m[j] = m[j - 1];
		m[j] = key;
	}
}

/* The linker counts what it ever loaded, and tells with every entry: the first is enough. */
static int loads(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	*(unsigned long long *)arg = info->dlpi_adds;
	return 1;
}

/* Two passes, the second with some room for what is loaded in between. */
static int rebuild(void)
{
	struct scan s = {0};

	dl_iterate_phdr(count_modules, &s.room);
	s.room += 8 + (table ? table->n : 0);
	s.t = gosan_mem_alloc(sizeof(*s.t) + s.room * sizeof(s.t->m[0]));
	if (!s.t)
		return -ENOMEM;
	dl_iterate_phdr(collect, &s);
	keep_unloaded(&s);
	sort(s.t->m, s.n);
	s.t->n = s.n;
	__atomic_store_n(&table, s.t, __ATOMIC_RELEASE);
	return 0;
}

int gosan_module_load(const struct gosan_module *m, size_t n)
{
	struct table *t = gosan_mem_alloc(sizeof(*t) + (n + 1) * sizeof(t->m[0]));

	if (!t)
		return -ENOMEM;
	if (n)
		memcpy(t->m, m, n * sizeof(*m));
	sort(t->m, n);
	t->n = n;
	for (size_t i = 0; i < n; i++) {
		gosan_module_instrumented |= m[i].instrumented;
		gosan_module_go |= m[i].go;
	}
	is_recorded = true;
	__atomic_store_n(&table, t, __ATOMIC_RELEASE);
	return 0;
}

int gosan_module_init(void)
{
	gosan_module_refresh();
	return table ? 0 : -ENOMEM;
}

/* How many modules were ever loaded, in the linker's own count. */
static unsigned long long count_loads(void)
{
	unsigned long long n = 0;

	dl_iterate_phdr(loads, &n);
	return n;
}

/* A refresh under way in another thread, or below us in this one, makes this call do nothing: its caller
 * then sees the older table, which is what it had anyway. So does the engine lock: the dynamic linker's
 * lock is taken before it, never after. */
void gosan_module_refresh(void)
{
	unsigned long long now;

	if (is_recorded || gosan_engine_inside())
		return;
	now = count_loads();
	if (table && now == __atomic_load_n(&loads_seen, __ATOMIC_RELAXED))
		return;
	if (__atomic_test_and_set(&lock, __ATOMIC_ACQUIRE))
		return;
	if (rebuild() == 0)
		__atomic_store_n(&loads_seen, now, __ATOMIC_RELAXED);
	__atomic_clear(&lock, __ATOMIC_RELEASE);
	GOSAN_RECORD(gosan_recorder_modules());
}

const struct gosan_module *gosan_module_find(uintptr_t addr)
{
	const struct gosan_module *m = lookup(__atomic_load_n(&table, __ATOMIC_ACQUIRE), addr);

	if (m)
		return m;
	gosan_module_refresh();
	return lookup(__atomic_load_n(&table, __ATOMIC_ACQUIRE), addr);
}

const struct gosan_module *gosan_module_list(size_t *ret_n)
{
	const struct table *t;

	gosan_module_refresh();
	t = __atomic_load_n(&table, __ATOMIC_ACQUIRE);
	*ret_n = t ? t->n : 0;
	return t ? t->m : NULL;
}

size_t gosan_module_uninstrumented(void (*fn)(const struct gosan_module *, void *), void *arg)
{
	size_t n, found = 0;
	const struct gosan_module *m = gosan_module_list(&n);

	for (size_t i = 0; i < n; i++) {
		if (m[i].kind != GOSAN_MODULE_PROGRAM || (m[i].instrumented && !m[i].own_tsan))
			continue;
		found++;
		if (fn)
			fn(&m[i], arg);
	}
	return found;
}

void gosan_module_forked(void)
{
	__atomic_clear(&lock, __ATOMIC_RELEASE);
}

bool gosan_module_any_instrumented(void)
{
	return __atomic_load_n(&gosan_module_instrumented, __ATOMIC_RELAXED);
}

struct tls_search {
	uintptr_t addr;
	bool found;
};

static int search_tls(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct tls_search *s = arg;

	(void)size;
	for (size_t i = 0; i < info->dlpi_phnum && info->dlpi_tls_data; i++)
		if (info->dlpi_phdr[i].p_type == PT_TLS &&
		    s->addr - (uintptr_t)info->dlpi_tls_data < info->dlpi_phdr[i].p_memsz)
			s->found = true;
	return s->found;
}

bool gosan_module_own_tls(uintptr_t addr)
{
	struct tls_search s = {addr, false};

	dl_iterate_phdr(search_tls, &s);
	return s.found;
}
