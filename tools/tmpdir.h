/* SPDX-License-Identifier: Apache-2.0
 * tmpdir.h: a private directory below TMPDIR, gone at the end. */
#ifndef TMPDIR_H
#define TMPDIR_H

#include <stddef.h>

/* Make it; its path goes to ret. 0, or -errno with the path that was tried in ret. */
int tmpdir_make(char *ret, size_t size, const char *prefix);
/* Remove the files in it, and then it. Directories inside stay, and so does it then. */
void tmpdir_remove(const char *dir);
/* The same with the directories in it and their files; only for what nobody else can have put anything in. */
void tmpdir_remove_tree(const char *dir);
/* Call remove(dir) when we are gone, however that came: a reader of a pipe that closes it, a signal, a crash. A child of
 * fork waits for it, so call it while there is one thread. Returns what to give to tmpdir_unguard, which ends the child and
 * leaves dir to the caller; -1: nobody guards. */
int tmpdir_guard(const char *dir, void (*remove)(const char *dir));
void tmpdir_unguard(int guard);

#endif
