#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the libraries need and what they export.

usage: check_symbols.py LIBDIR
"""
import pathlib
import re
import subprocess
import sys

LIBC = {"libc.so.6", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1", "libpthread.so.0", "libdl.so.2",
        "libm.so.6", "librt.so.1", "libgcc_s.so.1"}
UNWIND = {"libunwind.so.8", "liblzma.so.5"}
# The interposed functions of libc: anything that libc defines too. Anything else must match one of these: C++'s
# new and delete, and libatomic, are interposed as well.
HOOKS = r"__tsan_|__sanitizer_|(WTF)?Annotate|RunningOnValgrind$|ValgrindSlowdown$|ThreadSanitizerQuery$"
OWN = re.compile(rf"^({HOOKS}|gosan_|_Zn[aw]|_Zd[al]|__atomic_|__cxa_guard_|GOSAN_COMPAT$)")
# What only a sanitizer's own parts or its user's definitions have, and hooks around raw system calls.
NOT_OURS = re.compile(r"^__sanitizer_(syscall_|(malloc|free)_hook$|on_print$|weak_hook_)|"
                      r"^__tsan_(default_(options|suppressions)|on_report)$")
SHIMS = {"libgosan_tsan2.so": r"libtsan\.so\.2", "libgosan_tsan0.so": r"libtsan\.so\.0",
         "libgosan_clang_tsan.so": r"libclang_rt\.tsan-\w+\.so"}


def run(*argv):
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def needed(lib):
    return set(re.findall(r"NEEDED\s+(\S+)", run("objdump", "-p", str(lib))))


def defined(lib):
    out = run("nm", "-D", "--defined-only", str(lib))
    return {line.split()[-1].split("@")[0] for line in out.splitlines() if line.split()[-2] in "TWiBDVu"}


def libc_files(like):
    """libc's libraries for the machine of the library `like`; the linker's cache may know those of others."""
    kind, found = pathlib.Path(like).read_bytes()[:20], []
    cache = run("ldconfig", "-p") if pathlib.Path("/sbin/ldconfig").exists() else ""
    for path in re.findall(r"^\s*(?:libc|libm|libdl|libpthread|librt)\.so\.\d+ .*=> (\S+)$", cache, re.M):
        head = pathlib.Path(path).read_bytes()[:20]
        if head[4:6] + head[18:] == kind[4:6] + kind[18:]:
            found.append(path)
    return found


def shims(libdir):
    """Offences of the libraries that are nothing but a name."""
    for name, soname in SHIMS.items():
        lib = libdir / "gosan" / name
        if needed(lib) or defined(lib):
            yield f"{name} isn't empty"
        if not re.search(rf"SONAME\s+{soname}$", run("objdump", "-p", str(lib)), re.M):
            yield f"{name} hasn't the name {soname}"


def versions(lib):
    """name -> {address of the oldest version, address of the default version}"""
    found = {}
    for line in run("readelf", "-W", "--dyn-syms", lib).splitlines():
        m = re.match(r"\s*\d+: (\w+) .* (\w+)(@@?)GLIBC_([\d.]+)$", line)
        if m and " UND " not in line:
            version = tuple(map(int, m[4].split(".")))
            found.setdefault(m[2], []).append((version, m[1], m[3] == "@@"))
    return {name: {min(v)[1]} | {a for _, a, default in v if default} for name, v in found.items()}


def runtime(exports, libs):
    """What a program that was linked with gcc's runtime, if there is one here, would miss without it: functions of the
    runtime's own, and libc functions whose oldest version differs, for it refers to them without version."""
    path = run("gcc", "-print-file-name=libtsan.so").strip()
    if "/" not in path:
        print("no libtsan here: what its programs need isn't checked")
        return
    theirs = defined(path)
    for name in sorted(s for s in theirs - exports if re.match(HOOKS, s) and not NOT_OURS.match(s)):
        yield f"libgosan.so lacks {name}, which libtsan has"
    for lib in libs:
        for name, addresses in sorted(versions(lib).items()):
            if len(addresses) > 1 and name in theirs - exports:
                yield f"libgosan.so doesn't forward {name}, whose oldest version is another function"


def main():
    import os
    os.environ["PATH"] += ":/sbin:/usr/sbin"
    libdir, bad = pathlib.Path(sys.argv[1]), []
    for name, allowed in (("libgosan.so", LIBC | UNWIND), ("libgoroutine.so", LIBC), ("libgosan_hooks.so", LIBC)):
        extra = needed(libdir / name) - allowed
        bad += [f"{name} needs {lib}" for lib in sorted(extra)]
    libs = libc_files(libdir / "libgosan.so")
    libc = set().union(*map(defined, libs))
    if len(libc) < 1000:
        bad.append(f"only {len(libc)} symbols of libc found: this check would be blind")
    exports = defined(libdir / "libgosan.so")
    bad += [f"libgosan.so exports {s}" for s in sorted(exports - libc) if not OWN.match(s)]
    hooks = defined(libdir / "libgosan_hooks.so")
    bad += [f"libgosan_hooks.so exports {s}" for s in sorted(hooks) if not re.match(HOOKS, s)]
    bad += [f"libgosan.so lacks {s}" for s in sorted(hooks - exports)]
    bad += shims(libdir)
    bad += runtime(exports, libs)
    bad += [f"libgoroutine.so exports {s}" for s in sorted(defined(libdir / "libgoroutine.so"))
            if not s.startswith("go_")]
    print("\n".join(bad))
    print(f"libgosan.so: {len(exports)} exports, {len(exports & hooks)} of them hooks; {len(bad)} offences")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
