/* SPDX-License-Identifier: Apache-2.0
 *
 * target.c: the dynamic loader ignores LD_PRELOAD without a word in static and privileged programs, and two
 * sanitizers in one process destroy each other. A user who isn't told waits for a report that cannot come.
 *
 * What cannot be seen here (a program that is started by another one, a seccomp filter, a loader that
 * ignores LD_PRELOAD for other reasons) is noticed at the end: no stream, no verdict, status 77.
 */
#include "target.h"

#include "ownrt.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

static int refuse(char *err, size_t err_size, const char *path, const char *why)
{
	snprintf(err, err_size, "%s: %s", path, why);
	return -ENOTSUP;
}

/* The reasons that execve would give, before anything has been set up. */
static int cannot_run(const char *path, char *err, size_t err_size)
{
	struct stat st;
	int error = stat(path, &st) != 0 ? -errno : S_ISDIR(st.st_mode) ? -EISDIR : 0;

	if (!error && access(path, X_OK) != 0)
		error = -EACCES;
	if (error == -EACCES)
		snprintf(err, err_size, "%s: not executable", path);
	else if (error == -ENOENT)
		snprintf(err, err_size, "%s: no such program", path);
	else if (error)
		snprintf(err, err_size, "%s: %s", path, strerror(-error));
	return error;
}

/* As execvp does it. A name that lies in the current directory, which PATH rarely has, gets a hint. */
int target_find(const char *name, char *ret_path, size_t size, char *err, size_t err_size)
{
	const char *dirs = getenv("PATH");

	if (strchr(name, '/')) {
		snprintf(ret_path, size, "%s", name);
		return cannot_run(ret_path, err, err_size);
	}
	for (const char *at = dirs ? dirs : "/usr/local/bin:/usr/bin:/bin"; *at; at += strspn(at, ":")) {
		size_t n = strcspn(at, ":");

		snprintf(ret_path, size, "%.*s/%s", (int)n, at, name);
		if (cannot_run(ret_path, err, err_size) == 0)
			return 0;
		at += n;
	}
	snprintf(ret_path, size, "./%s", name);
	if (access(ret_path, X_OK) == 0)
		snprintf(err, err_size, "%s: no such program in PATH: did you mean './%s'?", name, name);
	else
		snprintf(err, err_size, "%s: no such program in PATH", name);
	return -ENOENT;
}

/* The loader's secure mode. A set-uid bit for the very user who runs it changes nothing. */
static bool is_privileged(const char *path)
{
	struct stat st;
	char value[64];

	if (stat(path, &st) != 0)
		return false;
	if ((st.st_mode & S_ISUID) && st.st_uid != getuid())
		return true;
	if ((st.st_mode & S_ISGID) && (st.st_mode & S_IXGRP) && st.st_gid != getgid())
		return true;
	return geteuid() != 0 && getxattr(path, "security.capability", value, sizeof value) > 0;
}

/* Dynamic programs ask for a loader, also position-independent ones; static ones of both kinds don't. */
static bool has_interpreter(Elf *elf)
{
	size_t n = 0;
	GElf_Phdr ph;

	elf_getphdrnum(elf, &n);
	for (size_t i = 0; i < n; i++)
		if (gelf_getphdr(elf, (int)i, &ph) && ph.p_type == PT_INTERP)
			return true;
	return false;
}

/* Shared runtimes show up in DT_NEEDED. */
static bool needs_library(Elf *elf, Elf_Data *data, const GElf_Shdr *sh, const char *prefix)
{
	GElf_Dyn dyn;

	for (int i = 0; gelf_getdyn(data, i, &dyn) && dyn.d_tag != DT_NULL; i++) {
		const char *name =
			dyn.d_tag == DT_NEEDED ? elf_strptr(elf, sh->sh_link, dyn.d_un.d_val) : NULL;

		if (name && strncmp(name, prefix, strlen(prefix)) == 0)
			return true;
	}
	return false;
}

/* Static runtimes are part of the program and define their entry points. A program that merely calls the
 * hooks has them undefined. */
static bool defines_symbol(Elf *elf, Elf_Data *data, const GElf_Shdr *sh, const char *symbol)
{
	GElf_Sym sym;

	for (int i = 1; gelf_getsym(data, i, &sym); i++) {
		const char *name =
			sym.st_shndx != SHN_UNDEF ? elf_strptr(elf, sh->sh_link, sym.st_name) : NULL;

		if (name && strcmp(name, symbol) == 0)
			return true;
	}
	return false;
}

/* By the whole file, as the library looks at it in a process: gcc's static runtime exports nothing. */
static bool has_static_tsan(Elf *elf)
{
	size_t size;
	const char *file = elf_rawfile(elf, &size);

	return file && gosan_ownrt_in(file, size);
}

/* Is one of these libraries needed, or the symbol of its static variant defined? */
static bool has_runtime(Elf *elf, const char *library, const char *clang_library, const char *symbol)
{
	for (Elf_Scn *scn = elf_nextscn(elf, NULL); scn; scn = elf_nextscn(elf, scn)) {
		GElf_Shdr sh;
		Elf_Data *data;

		if (!gelf_getshdr(scn, &sh) || (data = elf_getdata(scn, NULL)) == NULL)
			continue;
		if (sh.sh_type == SHT_DYNAMIC &&
		    (needs_library(elf, data, &sh, library) || needs_library(elf, data, &sh, clang_library)))
			return true;
		if ((sh.sh_type == SHT_SYMTAB || sh.sh_type == SHT_DYNSYM) &&
		    defines_symbol(elf, data, &sh, symbol))
			return true;
	}
	return false;
}

/* Class and machine are compared with our own file: the library is built for the same. */
static int check_elf(Elf *elf, const char *path, char *err, size_t err_size)
{
	GElf_Ehdr eh;
	int own = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	unsigned char self[20] = {0};

	/* e_ident and e_machine stand in the first 20 bytes of every ELF file, of both classes. */
	if (own >= 0) {
		ssize_t n = read(own, self, sizeof self);
		close(own);
		if (n != (ssize_t)sizeof self)
			return 0;
	}
	if (!gelf_getehdr(elf, &eh))
		return refuse(err, err_size, path, "a broken ELF file");
	if (eh.e_ident[EI_CLASS] != self[EI_CLASS] || eh.e_machine != self[18] + (self[19] << 8))
		return refuse(err, err_size, path,
			      "a program for another kind of machine: gosan watches only those "
			      "of its own; build it for this one");
	if (eh.e_type != ET_EXEC && eh.e_type != ET_DYN)
		return refuse(err, err_size, path, "not a program (an object file?): link it first");
	if (!has_interpreter(elf))
		return refuse(err, err_size, path,
			      "statically linked: a preloaded library is not loaded into it; "
			      "link it without -static");
	/* A shared runtime is kept out by the shims of detector/shim/; one that is part of the program isn't. */
	if (has_static_tsan(elf))
		return refuse(
			err, err_size, path,
			"ThreadSanitizer's runtime is linked into it (clang's way; gcc's with "
			"-static-libtsan), which leaves no room for another: link it with 'gosan cc' (the "
			"objects may stay), or with clang -shared-libsan, or gcc without -static-libtsan");
	if (has_runtime(elf, "libasan.so", "libclang_rt.asan", "__asan_init"))
		return refuse(err, err_size, path,
			      "linked with AddressSanitizer, which works only alone; build "
			      "without -fsanitize=address");
	return 0;
}

/* By its first bytes, as the kernel looks at it. */
int target_check(const char *path, char *err, size_t err_size)
{
	char magic[4] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC), result;

	/* May be run but not read: nothing to look at, and the loader will decide. */
	if (fd < 0)
		return 0;
	ssize_t n = read(fd, magic, sizeof magic);
	if (n >= 2 && magic[0] == '#' && magic[1] == '!')
		result = refuse(err, err_size, path,
				"a script: name the program that it starts (a libtool wrapper: "
				"libtool --mode=execute gosan run ...)");
	else if (n < 4 || memcmp(magic, "\177ELF", 4) != 0)
		result = refuse(err, err_size, path, "not a program that this system can run");
	else if (is_privileged(path))
		result = refuse(err, err_size, path,
				"set-user-id, set-group-id or with file capabilities: the system "
				"loads no foreign library into it; run a copy without these bits");
	else {
		elf_version(EV_CURRENT);
		Elf *elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
		result = elf ? check_elf(elf, path, err, err_size)
			     : refuse(err, err_size, path, "a broken ELF file");
		elf_end(elf);
	}
	close(fd);
	return result;
}
