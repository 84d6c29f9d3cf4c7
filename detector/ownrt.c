/* SPDX-License-Identifier: Apache-2.0
 *
 * ownrt.c: a static runtime is recognised by its symbols, or, in a stripped file, by what it prints.
 *
 * gcc's static runtime exports nothing, so the dynamic symbols tell nothing; the full table names its entry
 * points. Offsets come from the file and are checked against its size before use: the tool gives us whatever the
 * user names.
 */
#include "ownrt.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct image {
	const char *p;
	size_t size;
};

/* NULL when [at, at + n) is not in the file. */
static const void *part(const struct image *f, uint64_t at, uint64_t n)
{
	return at <= f->size && n <= f->size - at ? f->p + at : NULL;
}

/* One symbol table. Its string table must end with a NUL for names to be read without further checks. */
static bool table_defines(const struct image *f, const ElfW(Shdr) * sh, const ElfW(Shdr) * names)
{
	const ElfW(Sym) *sym = part(f, sh->sh_offset, sh->sh_size);
	const char *text = part(f, names->sh_offset, names->sh_size);

	if (!sym || !text || !names->sh_size || text[names->sh_size - 1])
		return false;
	for (size_t i = 0; i < sh->sh_size / sizeof(*sym); i++)
		if (sym[i].st_shndx != SHN_UNDEF && sym[i].st_name < names->sh_size &&
		    strcmp(text + sym[i].st_name, "__tsan_init") == 0)
			return true;
	return false;
}

/* *ret_full: there was a full table, whose word is final. */
static bool symbols_define(const struct image *f, bool *ret_full)
{
	const ElfW(Ehdr) *eh = part(f, 0, sizeof(*eh));
	const ElfW(Shdr) *sh = eh ? part(f, eh->e_shoff, (uint64_t)eh->e_shnum * sizeof(ElfW(Shdr))) : NULL;

	*ret_full = false;
	for (size_t i = 0; sh && i < eh->e_shnum; i++) {
		if ((sh[i].sh_type != SHT_SYMTAB && sh[i].sh_type != SHT_DYNSYM) ||
		    sh[i].sh_link >= eh->e_shnum)
			continue;
		*ret_full |= sh[i].sh_type == SHT_SYMTAB;
		if (table_defines(f, &sh[i], &sh[sh[i].sh_link]))
			return true;
	}
	return false;
}

/* Both are in every version of the runtime, and together in nothing else that is linked. */
static bool says_so(const struct image *f)
{
	static const char name[] = "ThreadSanitizer", refusal[] = "unexpected memory mapping";

	return memmem(f->p, f->size, refusal, sizeof(refusal) - 1) != NULL &&
	       memmem(f->p, f->size, name, sizeof(name) - 1) != NULL;
}

bool gosan_ownrt_in(const void *file, size_t size)
{
	const struct image f = {file, size};
	bool full;

	return symbols_define(&f, &full) || (!full && says_so(&f));
}

/* Where sections have names: gccgo keeps what a package exports, Go's own compiler the table of its functions. */
static bool has_go_section(const struct image *f)
{
	const ElfW(Ehdr) *eh = part(f, 0, sizeof(*eh));
	const ElfW(Shdr) *sh = eh ? part(f, eh->e_shoff, (uint64_t)eh->e_shnum * sizeof(ElfW(Shdr))) : NULL;
	const ElfW(Shdr) *names = sh && eh->e_shstrndx < eh->e_shnum ? &sh[eh->e_shstrndx] : NULL;
	const char *text = names ? part(f, names->sh_offset, names->sh_size) : NULL;

	if (!text || !names->sh_size || text[names->sh_size - 1])
		return false;
	for (size_t i = 0; i < eh->e_shnum; i++)
		if (sh[i].sh_name < names->sh_size && (strcmp(text + sh[i].sh_name, ".go_export") == 0 ||
						       strcmp(text + sh[i].sh_name, ".gopclntab") == 0))
			return true;
	return false;
}

static bool has_runtime(const struct image *f)
{
	return gosan_ownrt_in(f->p, f->size);
}

/* System calls directly: in the library mmap is interposed, by us. */
static bool look(const char *path, bool (*has)(const struct image *))
{
	int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
	void *p = MAP_FAILED;
	struct stat st = {0};
	bool found = false;

	if (fd < 0)
		return false;
	if (fstat(fd, &st) == 0 && st.st_size > 0)
		p = (void *)syscall(SYS_mmap, NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, (long)fd, 0L);
	if (p != MAP_FAILED) {
		found = has(&(struct image){p, (size_t)st.st_size});
		syscall(SYS_munmap, p, (size_t)st.st_size);
	}
	syscall(SYS_close, fd);
	return found;
}

bool gosan_ownrt_at(const char *path)
{
	return look(path, has_runtime);
}

bool gosan_ownrt_is_go(const char *path)
{
	return look(path, has_go_section);
}
