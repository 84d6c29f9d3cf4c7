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
        "libm.so.6", "librt.so.1"}
UNWIND = {"libunwind.so.8", "liblzma.so.5"}
# The interposed functions of libc: anything that libc defines too. Anything else must match one of these: C++'s
# new and delete, and libatomic, are interposed as well.
OWN = re.compile(r"^(__tsan_|gosan_|_Zn[aw]|_Zd[al]|__atomic_)")


def run(*argv):
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def needed(lib):
    return set(re.findall(r"NEEDED\s+(\S+)", run("objdump", "-p", str(lib))))


def defined(lib):
    out = run("nm", "-D", "--defined-only", str(lib))
    return {line.split()[-1].split("@")[0] for line in out.splitlines() if line.split()[-2] in "TWiBDVu"}


def libc_symbols():
    names = set()
    for line in run("ldconfig", "-p").splitlines() if pathlib.Path("/sbin/ldconfig").exists() else []:
        if re.match(r"\s*(libc|libm|libdl|libpthread|librt)\.so\.\d+ ", line) and "=> " in line:
            names |= defined(line.split("=> ")[1])
    return names


def main():
    import os
    os.environ["PATH"] += ":/sbin:/usr/sbin"
    libdir, bad = pathlib.Path(sys.argv[1]), []
    for name, allowed in (("libgosan.so", LIBC | UNWIND), ("libgoroutine.so", LIBC), ("libgosan_hooks.so", LIBC)):
        extra = needed(libdir / name) - allowed
        bad += [f"{name} needs {lib}" for lib in sorted(extra)]
    libc = libc_symbols()
    if len(libc) < 1000:
        bad.append(f"only {len(libc)} symbols of libc found: this check would be blind")
    exports = defined(libdir / "libgosan.so")
    bad += [f"libgosan.so exports {s}" for s in sorted(exports - libc) if not OWN.match(s)]
    hooks = defined(libdir / "libgosan_hooks.so")
    bad += [f"libgosan_hooks.so exports {s}" for s in sorted(hooks) if not s.startswith("__tsan_")]
    bad += [f"libgosan.so lacks {s}" for s in sorted(hooks - exports)]
    bad += [f"libgoroutine.so exports {s}" for s in sorted(defined(libdir / "libgoroutine.so"))
            if not s.startswith("go_")]
    print("\n".join(bad))
    print(f"libgosan.so: {len(exports)} exports, {len(exports & hooks)} of them hooks; {len(bad)} offences")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
