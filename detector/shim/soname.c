/* SPDX-License-Identifier: Apache-2.0
 *
 * soname.c: a library with nothing in it but its name.
 *
 * A program that was linked with a shared ThreadSanitizer runtime asks the dynamic linker for that library by
 * its DT_SONAME. An object of this name that is loaded already satisfies the request, so the real runtime is
 * never opened, and its hooks are found where all others are: in libgosan.so, which is preloaded first. One
 * library has one name, hence one shim per runtime (CMakeLists.txt lists them).
 *
 * The word below only keeps the file from being an empty translation unit.
 */
extern const char gosan_shim_note[];
__attribute__((visibility("hidden"))) const char gosan_shim_note[] = "satisfied by gosan";
